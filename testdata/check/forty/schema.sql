-- A library with forty rows a table: no plan of it says what it would be at size.
CREATE TYPE loan_state AS ENUM ('open', 'returned', 'lost');

CREATE TABLE country (
    code char(2) PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE branch (
    id int PRIMARY KEY,
    name text NOT NULL UNIQUE,
    country char(2) NOT NULL REFERENCES country,
    place point NOT NULL,
    opened date NOT NULL
);

CREATE TABLE author (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(80) NOT NULL,
    born date,
    country char(2) REFERENCES country,
    bio text NOT NULL DEFAULT ''
);
CREATE INDEX author_name_idx ON author (name);
CREATE INDEX author_lower_name_idx ON author (lower(name));
CREATE INDEX author_country_born_idx ON author (country, born);

CREATE TABLE book (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author_id bigint NOT NULL REFERENCES author,
    isbn varchar(13) NOT NULL UNIQUE,
    title text NOT NULL,
    published int NOT NULL,
    price numeric(8, 2) NOT NULL,
    tags text[] NOT NULL,
    details jsonb NOT NULL,
    words tsvector NOT NULL,
    removed_at timestamptz,
    featured boolean NOT NULL DEFAULT false,
    shelf uuid NOT NULL,
    summary text NOT NULL
);
CREATE INDEX book_author_id_published_idx ON book (author_id, published DESC);
CREATE INDEX book_published_idx ON book (published);
CREATE INDEX book_title_idx ON book (title text_pattern_ops);
CREATE INDEX book_tags_idx ON book USING gin (tags);
CREATE INDEX book_details_idx ON book USING gin (details);
CREATE INDEX book_words_idx ON book USING gin (words);
CREATE INDEX book_sku_idx ON book ((details ->> 'sku'));
CREATE INDEX book_price_featured_idx ON book (price) WHERE featured;

CREATE TABLE member (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    branch_id int NOT NULL REFERENCES branch,
    joined_at timestamptz NOT NULL,
    card text NOT NULL,
    active boolean NOT NULL,
    referred_by bigint REFERENCES member,
    address inet,
    notes text,
    points int NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX member_email_idx ON member (lower(email));
CREATE INDEX member_branch_id_joined_at_idx ON member (branch_id, joined_at);
CREATE INDEX member_joined_at_idx ON member (joined_at);
CREATE INDEX member_referred_by_idx ON member (referred_by) WHERE referred_by IS NOT NULL;

CREATE TABLE loan (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    book_id bigint NOT NULL REFERENCES book,
    member_id bigint NOT NULL REFERENCES member,
    state loan_state NOT NULL,
    lent_at timestamptz NOT NULL,
    due date NOT NULL,
    returned_at timestamptz,
    fee numeric(6, 2) NOT NULL DEFAULT 0,
    period tstzrange NOT NULL,
    clerk text NOT NULL
);
CREATE INDEX loan_book_id_idx ON loan (book_id);
CREATE INDEX loan_member_id_lent_at_idx ON loan (member_id, lent_at DESC);
CREATE INDEX loan_due_open_idx ON loan (due) WHERE state = 'open';
CREATE INDEX loan_period_idx ON loan USING gist (period);

CREATE TABLE review (
    book_id bigint NOT NULL REFERENCES book,
    member_id bigint NOT NULL REFERENCES member,
    stars int NOT NULL,
    body text NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (book_id, member_id)
);
CREATE INDEX review_member_id_idx ON review (member_id);

CREATE TABLE visit (
    id bigint NOT NULL,
    member_id bigint NOT NULL,
    at timestamptz NOT NULL,
    gate int NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE visit_2025 PARTITION OF visit FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE visit_2026 PARTITION OF visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX visit_member_id_at_idx ON visit (member_id, at);

CREATE TABLE job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    run_at timestamptz NOT NULL,
    done boolean NOT NULL DEFAULT false,
    payload json NOT NULL,
    attempts int NOT NULL DEFAULT 0
);
CREATE INDEX job_run_at_idx ON job (run_at) WHERE NOT done;

CREATE VIEW open_loan AS
    SELECT l.id, l.due, l.member_id, b.title
    FROM loan AS l
    JOIN book AS b ON b.id = l.book_id
    WHERE l.state = 'open';

INSERT INTO country SELECT chr(65 + i / 26) || chr(65 + i % 26), 'Country ' || i FROM generate_series(0, 39) AS i;
INSERT INTO branch
    SELECT i, 'Branch ' || i, chr(65 + i / 26) || chr(65 + i % 26), point(i, -i), date '2000-01-01' + i FROM generate_series(0, 39) AS i;
INSERT INTO author (name, born, country, bio)
    SELECT 'Author ' || i, date '1950-01-01' + i * 100, chr(65 + i / 26) || chr(65 + i % 26), 'Born somewhere ' || i FROM generate_series(0, 39) AS i;
INSERT INTO book (author_id, isbn, title, published, price, tags, details, words, removed_at, featured, shelf, summary)
    SELECT 1 + i, lpad(i::text, 13, '0'), 'Title ' || i, 1980 + i, 5 + i, ARRAY['tag' || i % 5, 'all'],
        jsonb_build_object('sku', 'S' || i, 'pages', 100 + i), to_tsvector('english', 'word' || i), CASE WHEN i % 9 = 0 THEN now() END, i % 7 = 0,
        md5(i::text)::uuid, 'Summary ' || i
    FROM generate_series(0, 39) AS i;
INSERT INTO member (email, branch_id, joined_at, card, active, referred_by, address, notes, points)
    SELECT 'm' || i || '@example.org', i, timestamptz '2025-01-01' + i * interval '1 day', 'C' || i, i % 2 = 0, CASE WHEN i > 5 THEN i - 5 END,
        ('10.0.0.' || i)::inet, 'note ' || i, i
    FROM generate_series(0, 39) AS i;
INSERT INTO loan (book_id, member_id, state, lent_at, due, returned_at, fee, period, clerk)
    SELECT 1 + i, 1 + i, (ARRAY['open', 'returned', 'lost'])[1 + i % 3]::loan_state, timestamptz '2025-02-01' + i * interval '1 day', date '2025-03-01' + i,
        CASE WHEN i % 3 = 1 THEN timestamptz '2025-02-20' + i * interval '1 day' END, i,
        tstzrange(timestamptz '2025-02-01' + i * interval '1 day', timestamptz '2025-03-01' + i * interval '1 day'), 'clerk ' || i % 4
    FROM generate_series(0, 39) AS i;
INSERT INTO review SELECT 1 + i, 1 + i, 1 + i % 5, 'Body ' || i, timestamptz '2025-04-01' + i * interval '1 hour' FROM generate_series(0, 39) AS i;
INSERT INTO visit SELECT i, 1 + i, timestamptz '2025-06-01' + i * interval '10 days', i % 4 FROM generate_series(0, 39) AS i;
INSERT INTO job (kind, run_at, done, payload) SELECT 'mail', timestamptz '2025-05-01' + i * interval '1 hour', i % 2 = 0, '{}' FROM generate_series(0, 39) AS i;
