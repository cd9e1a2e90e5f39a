-- A database as the old server left it: the front end's tables with rows, from before the production paths,
-- under names of its own, and with enums that lack some values. Two charges for one picture are among the rows.

CREATE TYPE job_status_enum AS ENUM ('pending', 'processing', 'completed', 'failed', 'cancelled', 'user_cancelled');
CREATE TYPE production_status_enum AS ENUM ('pending', 'processing', 'completed');
CREATE TYPE member_state AS ENUM ('active', 'gone');

CREATE TABLE quel_member (
    quel_member_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    quel_email text NOT NULL,
    quel_name text,
    provider text NOT NULL,
    provider_sub text NOT NULL,
    quel_member_credit bigint DEFAULT 0,
    quel_member_status member_state NOT NULL DEFAULT 'active'
);

CREATE TABLE quel_attach (
    attach_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz DEFAULT now(),
    attach_original_name varchar,
    attach_file_name varchar,
    attach_file_path varchar,
    attach_file_size bigint,
    attach_file_type varchar,
    attach_directory varchar,
    attach_storage_type varchar,
    quel_member_id uuid,
    is_favorite boolean
);

CREATE TABLE quel_organization (
    org_id uuid PRIMARY KEY,
    org_name text NOT NULL,
    org_credit bigint DEFAULT 0,
    owner_id uuid NOT NULL REFERENCES quel_member (quel_member_id),
    org_status text NOT NULL DEFAULT 'active'
);

CREATE TABLE quel_production_photo (
    production_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now(),
    quel_member_id uuid,
    org_id uuid REFERENCES quel_organization (org_id),
    production_name varchar(255),
    production_status production_status_enum DEFAULT 'pending',
    total_quantity int,
    generated_image_count int DEFAULT 0,
    attach_ids jsonb,
    processing_duration_seconds int
);
CREATE INDEX idx_photo_member ON quel_production_photo (quel_member_id, production_status, created_at DESC);

CREATE TABLE quel_production_jobs (
    job_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    production_id uuid NOT NULL REFERENCES quel_production_photo (production_id) ON DELETE CASCADE,
    job_type varchar(50) NOT NULL,
    stage_index int,
    stage_name varchar(100),
    batch_index int,
    job_status job_status_enum DEFAULT 'pending',
    total_images int NOT NULL,
    completed_images int DEFAULT 0,
    failed_images int DEFAULT 0,
    job_input_data jsonb NOT NULL,
    generated_attach_ids jsonb DEFAULT '[]',
    error_message text,
    retry_count int DEFAULT 0,
    created_at timestamptz DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz DEFAULT now(),
    quel_member_id uuid REFERENCES quel_member (quel_member_id),
    org_id uuid REFERENCES quel_organization (org_id) ON DELETE CASCADE,
    estimated_credits int DEFAULT 0,
    remaining_credits numeric(10, 2) DEFAULT 0,
    CONSTRAINT quel_production_jobs_check CHECK (
        job_type = 'pipeline_stage' AND stage_index IS NOT NULL AND batch_index IS NULL
        OR job_type IN ('single_batch', 'simple_general', 'simple_portrait')
        AND stage_index IS NULL AND batch_index IS NOT NULL
    )
);
CREATE INDEX idx_jobs_status ON quel_production_jobs (job_status);

CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER touch_jobs BEFORE UPDATE ON quel_production_jobs
FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE TABLE quel_credits (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES quel_member (quel_member_id),
    transaction_type varchar(20) NOT NULL,
    amount int NOT NULL,
    balance_after int NOT NULL,
    description text,
    attach_idx bigint REFERENCES quel_attach (attach_id),
    created_at timestamptz NOT NULL DEFAULT now(),
    production_idx uuid REFERENCES quel_production_photo (production_id),
    org_id uuid REFERENCES quel_organization (org_id) ON DELETE CASCADE,
    used_by_member_id uuid REFERENCES quel_member (quel_member_id),
    api_provider varchar,
    updated_at timestamptz DEFAULT now()
);

INSERT INTO quel_member (quel_member_id, quel_email, provider, provider_sub, quel_member_credit, quel_member_status)
VALUES ('00000000-0000-0000-0000-000000000001', 'a@quel.test', 'google', '1', -15, 'gone');
INSERT INTO quel_attach (attach_file_name, attach_directory) VALUES ('upload-1.webp', 'upload-1.webp'), (NULL, NULL);
INSERT INTO quel_production_photo (production_id, quel_member_id, production_status, attach_ids)
VALUES ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000001', 'processing', '[1]');
INSERT INTO quel_production_jobs (production_id, job_type, batch_index, job_status, total_images, job_input_data)
SELECT '00000000-0000-0000-0000-0000000000a1', 'simple_general', 0, status::job_status_enum, 4, '{"prompt": "100 %"}'
FROM unnest(ARRAY['pending', 'processing', 'completed', 'failed', 'user_cancelled', NULL]) AS status;
INSERT INTO quel_credits (user_id, transaction_type, amount, balance_after, attach_idx, api_provider)
SELECT '00000000-0000-0000-0000-000000000001', 'DEDUCT', -20, 5, 1, 'gemini-banana' FROM generate_series(1, 2);
