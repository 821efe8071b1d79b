-- A store of schema 2, as the code of commit 9378654 left it: one post live on two channels, one uncertain,
-- one scheduled, one submitted. Made by sqlite3's iterdump for tests/test_migrations.py; nothing in it is real.
BEGIN TRANSACTION;
CREATE TABLE account (
	channel VARCHAR NOT NULL, 
	platform VARCHAR NOT NULL, 
	checked_at DATETIME NOT NULL, 
	remote_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	url VARCHAR, 
	server VARCHAR NOT NULL, 
	limits JSON, 
	missing JSON, 
	links JSON, 
	notes JSON, 
	links_back BOOLEAN NOT NULL, 
	PRIMARY KEY (channel)
);
INSERT INTO "account" VALUES('hub','webhook','2026-11-21 17:45:30.255415','1','Hub',NULL,'','{"max_chars": 500}','[]','["https://riverton.example.gov/"]','[]',1);
CREATE TABLE approval (
	id INTEGER NOT NULL, 
	post_id VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	digest VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	dissent VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	config_hash VARCHAR NOT NULL, 
	strategy_hash VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(post_id) REFERENCES post (id)
);
INSERT INTO "approval" VALUES(1,'01a1ff36-8b68-7449-baa5-f7262805ae0c',1,'5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251','cleo','approve','2026-11-21 17:45:27.296766','','','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc','68782e7af3f85d7d4b8b8ac4398baea61e449b37ea5575901711d8a610206b60');
INSERT INTO "approval" VALUES(2,'01a1ff36-9202-76f8-bb88-56d4dd1c718e',1,'de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1','cleo','approve','2026-11-21 17:45:28.929959','','','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc','68782e7af3f85d7d4b8b8ac4398baea61e449b37ea5575901711d8a610206b60');
INSERT INTO "approval" VALUES(3,'01a1ff36-952b-7951-8ac5-02fd1949bffa',1,'3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47','cleo','approve','2026-11-21 17:45:29.747166','','','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc','68782e7af3f85d7d4b8b8ac4398baea61e449b37ea5575901711d8a610206b60');
CREATE TABLE attempt (
	id INTEGER NOT NULL, 
	delivery_id VARCHAR NOT NULL, 
	n INTEGER NOT NULL, 
	owner VARCHAR NOT NULL, 
	started_at DATETIME NOT NULL, 
	gate_at DATETIME, 
	ended_at DATETIME, 
	outcome VARCHAR, 
	reason VARCHAR NOT NULL, 
	evidence JSON, 
	PRIMARY KEY (id), 
	FOREIGN KEY(delivery_id) REFERENCES delivery (id)
);
INSERT INTO "attempt" VALUES(1,'01a1ff36-8c00-7956-a6a3-34deae4cd47d',1,'01a1ff36-8cf8-716e-9b1b-9f01e1445973','2026-11-21 17:45:27.784123','2026-11-21 17:45:27.784123','2026-11-21 17:45:28.299632','live','','[]');
INSERT INTO "attempt" VALUES(2,'01a1ff36-8c00-7547-a27f-95d89fe7de5b',1,'01a1ff36-8cf8-716e-9b1b-9f01e1445973','2026-11-21 17:45:28.586868','2026-11-21 17:45:28.586868','2026-11-21 17:45:28.622699','live','','[{"at": "2026-11-21T17:45:28.610779+00:00", "ms": 10, "method": "POST", "url": "http://127.0.0.1:39895/notices", "status": 200, "left": true, "request": {"headers": {"host": "127.0.0.1:39895", "accept": "*/*", "connection": "keep-alive", "user-agent": "govpost/0.1.0", "accept-encoding": "identity", "content-type": "application/json", "idempotency-key": "01a1ff36-8c00-7547-a27f-95d89fe7de5b", "content-length": "251"}, "body": "{\"key\": \"01a1ff36-8c00-7547-a27f-95d89fe7de5b\", \"action\": \"publish\", \"text\": \"These are the news of library-hours.\", \"title\": \"About library-hours\", \"link\": \"https://riverton.example.gov/library-hours\", \"language\": \"en\", \"corrects\": null, \"media\": []}"}, "response": {"headers": {"server": "BaseHTTP/0.6 Python/3.11.7", "date": "Sat, 21 Nov 2026 17:45:28 GMT", "content-length": "56"}, "body": "{\"id\": \"n1\", \"url\": \"https://hub.example.gov/notices/1\"}"}, "error": null}]');
INSERT INTO "attempt" VALUES(3,'01a1ff36-9261-7946-9b59-86c800f19cfe',1,'01a1ff36-92b9-7a14-a0d7-ce6931a69e30','2026-11-21 17:45:29.164644','2026-11-21 17:45:29.164644','2026-11-21 17:45:29.249526','uncertain','POST http://127.0.0.1:39895/notices failed: RemoteProtocolError: Server disconnected without sending a response.','[{"at": "2026-11-21T17:45:29.245159+00:00", "ms": 4, "method": "POST", "url": "http://127.0.0.1:39895/notices", "status": null, "left": true, "request": {"headers": {"host": "127.0.0.1:39895", "accept": "*/*", "connection": "keep-alive", "user-agent": "govpost/0.1.0", "accept-encoding": "identity", "content-type": "application/json", "idempotency-key": "01a1ff36-9261-7946-9b59-86c800f19cfe", "content-length": "254"}, "body": "{\"key\": \"01a1ff36-9261-7946-9b59-86c800f19cfe\", \"action\": \"publish\", \"text\": \"These are the news of street-closure.\", \"title\": \"About street-closure\", \"link\": \"https://riverton.example.gov/street-closure\", \"language\": \"en\", \"corrects\": null, \"media\": []}"}, "response": null, "error": "RemoteProtocolError: Server disconnected without sending a response."}]');
CREATE TABLE channel (
	name VARCHAR NOT NULL, 
	paused_until DATETIME, 
	paused_why VARCHAR NOT NULL, 
	next_allowed_at DATETIME, 
	gap_until DATETIME, 
	failures INTEGER NOT NULL, 
	crashes INTEGER NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "channel" VALUES('website',NULL,'',NULL,NULL,0,0);
INSERT INTO "channel" VALUES('hub',NULL,'',NULL,NULL,1,0);
CREATE TABLE charter (
	channel VARCHAR NOT NULL, 
	n INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	person VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	body JSON, 
	PRIMARY KEY (channel, n)
);
INSERT INTO "charter" VALUES('website',1,'2026-11-21 17:45:25.850015','ben','6965281acfc041a206b5446898f174dec5b1fa6f30cba1d21b1e917655bdf86a','{"question": "Do residents read it?", "goal": "services", "audience": "residents", "evidence": "a survey", "why_here": "it is ours", "metric": "visits", "baseline": 1.0, "target": 2.0, "owner": "ben", "deputy": "cleo", "caps": {"posts": 200.0}, "ends": "2027-03-21"}');
INSERT INTO "charter" VALUES('hub',1,'2026-11-21 17:45:25.902106','ben','6965281acfc041a206b5446898f174dec5b1fa6f30cba1d21b1e917655bdf86a','{"question": "Do residents read it?", "goal": "services", "audience": "residents", "evidence": "a survey", "why_here": "it is ours", "metric": "visits", "baseline": 1.0, "target": 2.0, "owner": "ben", "deputy": "cleo", "caps": {"posts": 200.0}, "ends": "2027-03-21"}');
CREATE TABLE daemon (
	id VARCHAR NOT NULL, 
	host VARCHAR NOT NULL, 
	pid INTEGER NOT NULL, 
	version VARCHAR NOT NULL, 
	started_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	state VARCHAR NOT NULL, 
	why VARCHAR NOT NULL, 
	config_hash VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "daemon" VALUES('01a1ff36-8cf8-716e-9b1b-9f01e1445973','host',29310,'0.1.0','2026-11-21 17:45:27.544121','2026-11-21 17:45:28.761514','stopped','','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc');
INSERT INTO "daemon" VALUES('01a1ff36-92b9-7a14-a0d7-ce6931a69e30','host',29310,'0.1.0','2026-11-21 17:45:29.017420','2026-11-21 17:45:29.561573','stopped','','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc');
CREATE TABLE delivery (
	id VARCHAR NOT NULL, 
	post_id VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	channel VARCHAR NOT NULL, 
	platform VARCHAR NOT NULL, 
	part INTEGER NOT NULL, 
	parts INTEGER NOT NULL, 
	action VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	priority INTEGER NOT NULL, 
	slot DATETIME NOT NULL, 
	due DATETIME NOT NULL, 
	wall VARCHAR NOT NULL, 
	zone VARCHAR NOT NULL, 
	not_before DATETIME, 
	expires DATETIME, 
	fixed BOOLEAN NOT NULL, 
	rush BOOLEAN NOT NULL, 
	variant JSON, 
	text_hash VARCHAR NOT NULL, 
	target VARCHAR, 
	notice VARCHAR, 
	waits_for VARCHAR, 
	recipient VARCHAR, 
	staged JSON, 
	reason VARCHAR NOT NULL, 
	tries INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	ambiguous BOOLEAN NOT NULL, 
	gate_at DATETIME, 
	first_sent DATETIME, 
	lease_owner VARCHAR, 
	lease_until DATETIME, 
	check_at DATETIME, 
	live_at DATETIME, 
	remote_id VARCHAR, 
	url VARCHAR, 
	receipt JSON, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(post_id) REFERENCES post (id)
);
INSERT INTO "delivery" VALUES('01a1ff36-8c00-7956-a6a3-34deae4cd47d','01a1ff36-8b68-7449-baa5-f7262805ae0c',1,'website','website',1,1,'publish','live',1,'2026-11-21 17:45:27.296766','2026-11-21 17:45:27.296766','2026-11-21T11:45','America/Chicago',NULL,NULL,0,0,'{"text": "These are the news of library-hours.", "title": "About library-hours", "link": "https://riverton.example.gov/library-hours", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}','b0c820d00e6d41ceecb6bda7659d1fbfcd054cdef041b2d7e77bfcfcaa0f7fd5',NULL,NULL,NULL,NULL,'null','',1,1,0,'2026-11-21 17:45:27.784123','2026-11-21 17:45:27.784123',NULL,NULL,NULL,'2026-11-21 17:45:28.299632','01a1ff36-8c00-7956-a6a3-34deae4cd47d','https://news.riverton.example.gov/posts/about-library-hours-dd71a35976.html','{"remote_id": "01a1ff36-8c00-7956-a6a3-34deae4cd47d", "url": "https://news.riverton.example.gov/posts/about-library-hours-dd71a35976.html", "raw": {}}','2026-11-21 17:45:27.296766');
INSERT INTO "delivery" VALUES('01a1ff36-8c00-7547-a27f-95d89fe7de5b','01a1ff36-8b68-7449-baa5-f7262805ae0c',1,'hub','webhook',1,1,'publish','live',1,'2026-11-21 17:45:27.296766','2026-11-21 17:45:27.296766','2026-11-21T11:45','America/Chicago',NULL,NULL,0,0,'{"text": "These are the news of library-hours.", "title": "About library-hours", "link": "https://riverton.example.gov/library-hours", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}','b0c820d00e6d41ceecb6bda7659d1fbfcd054cdef041b2d7e77bfcfcaa0f7fd5',NULL,NULL,NULL,NULL,'null','',1,1,0,'2026-11-21 17:45:28.586868','2026-11-21 17:45:28.586868',NULL,NULL,NULL,'2026-11-21 17:45:28.622699','n1','https://hub.example.gov/notices/1','{"remote_id": "n1", "url": "https://hub.example.gov/notices/1", "raw": {"id": "n1", "url": "https://hub.example.gov/notices/1"}}','2026-11-21 17:45:27.296766');
INSERT INTO "delivery" VALUES('01a1ff36-9261-7946-9b59-86c800f19cfe','01a1ff36-9202-76f8-bb88-56d4dd1c718e',1,'hub','webhook',1,1,'publish','uncertain',1,'2026-11-21 17:45:28.929959','2026-11-21 17:45:28.929959','2026-11-21T11:45','America/Chicago',NULL,NULL,0,0,'{"text": "These are the news of street-closure.", "title": "About street-closure", "link": "https://riverton.example.gov/street-closure", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}','a9b37b1955fa2b8c3d3825c62d94f999481d689e19680047fb05708b620cb268',NULL,NULL,NULL,NULL,'null','POST http://127.0.0.1:39895/notices failed: RemoteProtocolError: Server disconnected without sending a response.',1,1,1,'2026-11-21 17:45:29.164644','2026-11-21 17:45:29.164644',NULL,NULL,NULL,NULL,NULL,NULL,'null','2026-11-21 17:45:28.929959');
INSERT INTO "delivery" VALUES('01a1ff36-9593-7a65-be2d-247261f06df2','01a1ff36-952b-7951-8ac5-02fd1949bffa',1,'website','website',1,1,'publish','queued',1,'2026-12-21 15:00:00.000000','2026-12-21 15:00:00.000000','2026-12-21T09:00','America/Chicago',NULL,NULL,1,0,'{"text": "These are the news of council-meeting.", "title": "About council-meeting", "link": "https://riverton.example.gov/council-meeting", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}','18c8a7bde2f7c40fc72f2b721aa2924938700c51989ccce23f857bd7e4513cfa',NULL,NULL,NULL,NULL,'null','',0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'null','2026-11-21 17:45:29.747166');
CREATE TABLE event (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR NOT NULL, 
	verb VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	old VARCHAR, 
	new VARCHAR, 
	why VARCHAR NOT NULL, 
	detail JSON, 
	post VARCHAR, 
	channel VARCHAR, 
	prev VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "event" VALUES(1,'2026-11-21 17:45:25.826127','ben','config.first','config',NULL,'add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc','first use','{"strategy": "68782e7af3f85d7d", "config": "add598d6c6409a5e"}',NULL,NULL,'0000000000000000000000000000000000000000000000000000000000000000','8ac0f35a05f54002af0d77cd59d35bdc1d40097c7cfb27907dcbe01e6c39f6de');
INSERT INTO "event" VALUES(2,'2026-11-21 17:45:25.850015','ben','pilot.propose','pilot:website',NULL,'proposed','named in config.toml','{"channel": "website", "config": "add598d6c6409a5e"}',NULL,'website','8ac0f35a05f54002af0d77cd59d35bdc1d40097c7cfb27907dcbe01e6c39f6de','6cd3747461b1cbe0e5f53de3267ee9e11a52f157071a488785686965af0fbb30');
INSERT INTO "event" VALUES(3,'2026-11-21 17:45:25.850015','ben','pilot.charter','pilot:website',NULL,'1','locked at the start','{"channel": "website", "digest": "6965281acfc041a206b5446898f174dec5b1fa6f30cba1d21b1e917655bdf86a", "config": "add598d6c6409a5e"}',NULL,'website','6cd3747461b1cbe0e5f53de3267ee9e11a52f157071a488785686965af0fbb30','730cb3e576f2ae9ac267b199e104c86e3e767b156b1483d0193ab87442b85d6f');
INSERT INTO "event" VALUES(4,'2026-11-21 17:45:25.850015','ben','pilot.running','pilot:website','proposed','running','started with a complete charter','{"channel": "website", "config": "add598d6c6409a5e"}',NULL,'website','730cb3e576f2ae9ac267b199e104c86e3e767b156b1483d0193ab87442b85d6f','83da98956ec20b1e386fb0955b24229de6f3f216a936e2e52da76de98257032a');
INSERT INTO "event" VALUES(5,'2026-11-21 17:45:25.902106','ben','pilot.propose','pilot:hub',NULL,'proposed','named in config.toml','{"channel": "hub", "config": "add598d6c6409a5e"}',NULL,'hub','83da98956ec20b1e386fb0955b24229de6f3f216a936e2e52da76de98257032a','b1129c4e2a1005471611c102fa1673babaf3972306447520968ef4790077a0cd');
INSERT INTO "event" VALUES(6,'2026-11-21 17:45:25.902106','ben','pilot.charter','pilot:hub',NULL,'1','locked at the start','{"channel": "hub", "digest": "6965281acfc041a206b5446898f174dec5b1fa6f30cba1d21b1e917655bdf86a", "config": "add598d6c6409a5e"}',NULL,'hub','b1129c4e2a1005471611c102fa1673babaf3972306447520968ef4790077a0cd','4dda82d5fa840f69ef4850432dfb9e4f3c6497d502022ec5ca12f85a5b80024d');
INSERT INTO "event" VALUES(7,'2026-11-21 17:45:25.902106','ben','pilot.running','pilot:hub','proposed','running','started with a complete charter','{"channel": "hub", "config": "add598d6c6409a5e"}',NULL,'hub','4dda82d5fa840f69ef4850432dfb9e4f3c6497d502022ec5ca12f85a5b80024d','adfa3af9f00b40d9d468cc3b8909f5fe7ecd46c6aec9421d5628056404f2b10e');
INSERT INTO "event" VALUES(8,'2026-11-21 17:45:27.144900','ana','post.add','post:01a1ff36-8b68-7449-baa5-f7262805ae0c',NULL,'draft','','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "slug": "library-hours", "digest": "5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c',NULL,'adfa3af9f00b40d9d468cc3b8909f5fe7ecd46c6aec9421d5628056404f2b10e','14d31185f81975ced6bca16996a2d0503fbcba4dcbf73f8b6b5ec747d213f004');
INSERT INTO "event" VALUES(9,'2026-11-21 17:45:27.144900','ana','post.submitted','post:01a1ff36-8b68-7449-baa5-f7262805ae0c','draft','submitted','submitted','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "slug": "library-hours", "digest": "5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c',NULL,'14d31185f81975ced6bca16996a2d0503fbcba4dcbf73f8b6b5ec747d213f004','2c97b5019e9233c84be3a720c45e76deb8eb13821aee23489498154b4bbc4ae0');
INSERT INTO "event" VALUES(10,'2026-11-21 17:45:27.296766','cleo','review.approve','post:01a1ff36-8b68-7449-baa5-f7262805ae0c',NULL,NULL,'','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "digest": "5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251", "strategy": "68782e7af3f85d7d", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c',NULL,'2c97b5019e9233c84be3a720c45e76deb8eb13821aee23489498154b4bbc4ae0','385c4563371f8f9b7a5fcc7647335dc0c9ab2d4ae422ed36940f7c394d667542');
INSERT INTO "event" VALUES(11,'2026-11-21 17:45:27.296766','cleo','post.approved','post:01a1ff36-8b68-7449-baa5-f7262805ae0c','submitted','approved','the last approval','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "slug": "library-hours", "digest": "5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c',NULL,'385c4563371f8f9b7a5fcc7647335dc0c9ab2d4ae422ed36940f7c394d667542','04aecab788c2b20c87102b5497db3645b0e1c48ddbb70fd052e9985b28a40ab4');
INSERT INTO "event" VALUES(12,'2026-11-21 17:45:27.296766','cleo','delivery.plan','delivery:01a1ff36-8c00-7956-a6a3-34deae4cd47d',NULL,'queued','','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "channel": "website", "action": "publish", "slot": "2026-11-21T17:45:27.296766+00:00", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c','website','04aecab788c2b20c87102b5497db3645b0e1c48ddbb70fd052e9985b28a40ab4','3eb94275ca2daed20d65db78c4b357c2cfbfc812d0d2d11e4a8c2e3fad688c36');
INSERT INTO "event" VALUES(13,'2026-11-21 17:45:27.296766','cleo','delivery.plan','delivery:01a1ff36-8c00-7547-a27f-95d89fe7de5b',NULL,'queued','','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "channel": "hub", "action": "publish", "slot": "2026-11-21T17:45:27.296766+00:00", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c','hub','3eb94275ca2daed20d65db78c4b357c2cfbfc812d0d2d11e4a8c2e3fad688c36','d6eab921d7184efaee6e9450ef232e0312d2952056cd8f4778ab39be657dafeb');
INSERT INTO "event" VALUES(14,'2026-11-21 17:45:27.296766','cleo','post.scheduled','post:01a1ff36-8b68-7449-baa5-f7262805ae0c','approved','scheduled','slots given','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "slug": "library-hours", "digest": "5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c',NULL,'d6eab921d7184efaee6e9450ef232e0312d2952056cd8f4778ab39be657dafeb','e1e1ca027efe254b59686a0adbdc8caa9635ea9aadacb8287e620d21020f8d3b');
INSERT INTO "event" VALUES(15,'2026-11-21 17:45:27.551636','daemon','daemon.start','daemon:01a1ff36-8cf8-716e-9b1b-9f01e1445973',NULL,'running','process 29310','{"config": "add598d6c6409a5e"}',NULL,NULL,'e1e1ca027efe254b59686a0adbdc8caa9635ea9aadacb8287e620d21020f8d3b','ff469d6675c7669ec4051791b18129a2bafb7f8f36fd822425abfe623d1dd94b');
INSERT INTO "event" VALUES(16,'2026-11-21 17:45:27.784123','daemon','delivery.publishing','delivery:01a1ff36-8c00-7956-a6a3-34deae4cd47d','queued','publishing','claimed','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "channel": "website", "n": 1, "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c','website','ff469d6675c7669ec4051791b18129a2bafb7f8f36fd822425abfe623d1dd94b','cd422fb8363b71b02b6c4c6197204f4aa5a5b70c303f2aa6f19876aea45b60c1');
INSERT INTO "event" VALUES(17,'2026-11-21 17:45:27.784123','daemon','delivery.gate','delivery:01a1ff36-8c00-7956-a6a3-34deae4cd47d',NULL,NULL,'passed the gate','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "channel": "website", "n": 1, "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c','website','cd422fb8363b71b02b6c4c6197204f4aa5a5b70c303f2aa6f19876aea45b60c1','d2fa0b307fd127479f2bc743cd40f2013c15b4ec372dc971688f59e43e01409d');
INSERT INTO "event" VALUES(18,'2026-11-21 17:45:28.299632','daemon','delivery.live','delivery:01a1ff36-8c00-7956-a6a3-34deae4cd47d','publishing','live','','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "channel": "website", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c','website','d2fa0b307fd127479f2bc743cd40f2013c15b4ec372dc971688f59e43e01409d','25123282938d5b8649b4a9ce0002ea84e59aae5a71b4ce43f2c0a5b06a27800f');
INSERT INTO "event" VALUES(19,'2026-11-21 17:45:28.586868','daemon','delivery.publishing','delivery:01a1ff36-8c00-7547-a27f-95d89fe7de5b','queued','publishing','claimed','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "channel": "hub", "n": 1, "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c','hub','25123282938d5b8649b4a9ce0002ea84e59aae5a71b4ce43f2c0a5b06a27800f','847854c2de5fa15e939b4d27af9085ddedaabb4c43539408a074d1c7f0a036a0');
INSERT INTO "event" VALUES(20,'2026-11-21 17:45:28.586868','daemon','delivery.gate','delivery:01a1ff36-8c00-7547-a27f-95d89fe7de5b',NULL,NULL,'passed the gate','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "channel": "hub", "n": 1, "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c','hub','847854c2de5fa15e939b4d27af9085ddedaabb4c43539408a074d1c7f0a036a0','1199e714a111d488072810c0c4ed31e8ecc9c168f2b809475b22340a84b1847d');
INSERT INTO "event" VALUES(21,'2026-11-21 17:45:28.622699','daemon','delivery.live','delivery:01a1ff36-8c00-7547-a27f-95d89fe7de5b','publishing','live','','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "channel": "hub", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c','hub','1199e714a111d488072810c0c4ed31e8ecc9c168f2b809475b22340a84b1847d','fe37fa265b05cbc3d6c35c9a4af06977935f57d333405c6022431cf6ec90bd0e');
INSERT INTO "event" VALUES(22,'2026-11-21 17:45:28.622699','daemon','post.published','post:01a1ff36-8b68-7449-baa5-f7262805ae0c','scheduled','published','worked out from its deliveries','{"post": "01a1ff36-8b68-7449-baa5-f7262805ae0c", "slug": "library-hours", "digest": "5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251", "config": "add598d6c6409a5e"}','01a1ff36-8b68-7449-baa5-f7262805ae0c',NULL,'fe37fa265b05cbc3d6c35c9a4af06977935f57d333405c6022431cf6ec90bd0e','a6444ff91d5e55ef5a9544ebab69cdf62ce9941497171b385cfc76fb8f6124d0');
INSERT INTO "event" VALUES(23,'2026-11-21 17:45:28.834268','ana','post.add','post:01a1ff36-9202-76f8-bb88-56d4dd1c718e',NULL,'draft','','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "slug": "street-closure", "digest": "de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1", "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e',NULL,'a6444ff91d5e55ef5a9544ebab69cdf62ce9941497171b385cfc76fb8f6124d0','160f26ce15d3e628d4bbf6b6f50dea1820e58e733e0897cf9a95a0f68aaefc83');
INSERT INTO "event" VALUES(24,'2026-11-21 17:45:28.834268','ana','post.submitted','post:01a1ff36-9202-76f8-bb88-56d4dd1c718e','draft','submitted','submitted','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "slug": "street-closure", "digest": "de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1", "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e',NULL,'160f26ce15d3e628d4bbf6b6f50dea1820e58e733e0897cf9a95a0f68aaefc83','66b0d13d07082d347bfba09ad5b729af4d6b03788e38ba949a8c184baccf2e8b');
INSERT INTO "event" VALUES(25,'2026-11-21 17:45:28.929959','cleo','review.approve','post:01a1ff36-9202-76f8-bb88-56d4dd1c718e',NULL,NULL,'','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "digest": "de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1", "strategy": "68782e7af3f85d7d", "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e',NULL,'66b0d13d07082d347bfba09ad5b729af4d6b03788e38ba949a8c184baccf2e8b','2ddd9162008f9e71bc455f4ac4026b1d41483e647c4653d60b5de52861f3a0bb');
INSERT INTO "event" VALUES(26,'2026-11-21 17:45:28.929959','cleo','post.approved','post:01a1ff36-9202-76f8-bb88-56d4dd1c718e','submitted','approved','the last approval','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "slug": "street-closure", "digest": "de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1", "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e',NULL,'2ddd9162008f9e71bc455f4ac4026b1d41483e647c4653d60b5de52861f3a0bb','92e9be9586a7a8276c9729528b8657989958ef9bc3ace9ed43f8d9308eb1e2d5');
INSERT INTO "event" VALUES(27,'2026-11-21 17:45:28.929959','cleo','delivery.plan','delivery:01a1ff36-9261-7946-9b59-86c800f19cfe',NULL,'queued','','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "channel": "hub", "action": "publish", "slot": "2026-11-21T17:45:28.929959+00:00", "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e','hub','92e9be9586a7a8276c9729528b8657989958ef9bc3ace9ed43f8d9308eb1e2d5','52066bb8427a8eeeb7f1616ee2e01e33fb1a2d61f270927f0458b0aa3211ec66');
INSERT INTO "event" VALUES(28,'2026-11-21 17:45:28.929959','cleo','post.scheduled','post:01a1ff36-9202-76f8-bb88-56d4dd1c718e','approved','scheduled','slots given','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "slug": "street-closure", "digest": "de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1", "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e',NULL,'52066bb8427a8eeeb7f1616ee2e01e33fb1a2d61f270927f0458b0aa3211ec66','1b1dca39773514db8bc727cd6508d8ed6732c36e2c44b642e7c835d84c0bb6bb');
INSERT INTO "event" VALUES(29,'2026-11-21 17:45:29.022196','daemon','daemon.start','daemon:01a1ff36-92b9-7a14-a0d7-ce6931a69e30',NULL,'running','process 29310','{"config": "add598d6c6409a5e"}',NULL,NULL,'1b1dca39773514db8bc727cd6508d8ed6732c36e2c44b642e7c835d84c0bb6bb','8ca6f3ab7ea108e8aff05c50e689cfac081cb7e39dd39f4ffc7364fdf1a0abb4');
INSERT INTO "event" VALUES(30,'2026-11-21 17:45:29.164644','daemon','delivery.publishing','delivery:01a1ff36-9261-7946-9b59-86c800f19cfe','queued','publishing','claimed','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "channel": "hub", "n": 1, "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e','hub','8ca6f3ab7ea108e8aff05c50e689cfac081cb7e39dd39f4ffc7364fdf1a0abb4','a00e11844f4759f5306e1c1edf5faa7c4890b01080c2b4e796e767b511e4b343');
INSERT INTO "event" VALUES(31,'2026-11-21 17:45:29.164644','daemon','delivery.gate','delivery:01a1ff36-9261-7946-9b59-86c800f19cfe',NULL,NULL,'passed the gate','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "channel": "hub", "n": 1, "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e','hub','a00e11844f4759f5306e1c1edf5faa7c4890b01080c2b4e796e767b511e4b343','7a91db835bdb6d48220bf0e452eb8ee4b267acb4894ed1aa0c3caedf98c88141');
INSERT INTO "event" VALUES(32,'2026-11-21 17:45:29.249526','daemon','delivery.uncertain','delivery:01a1ff36-9261-7946-9b59-86c800f19cfe','publishing','uncertain','POST http://127.0.0.1:39895/notices failed: RemoteProtocolError: Server disconnected without sending a response.','{"post": "01a1ff36-9202-76f8-bb88-56d4dd1c718e", "channel": "hub", "config": "add598d6c6409a5e"}','01a1ff36-9202-76f8-bb88-56d4dd1c718e','hub','7a91db835bdb6d48220bf0e452eb8ee4b267acb4894ed1aa0c3caedf98c88141','83ac434787babd7c9873fee9beced1985d5a296583c09c218ec21a1561bf4505');
INSERT INTO "event" VALUES(33,'2026-11-21 17:45:29.643631','ana','post.add','post:01a1ff36-952b-7951-8ac5-02fd1949bffa',NULL,'draft','','{"post": "01a1ff36-952b-7951-8ac5-02fd1949bffa", "slug": "council-meeting", "digest": "3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47", "config": "add598d6c6409a5e"}','01a1ff36-952b-7951-8ac5-02fd1949bffa',NULL,'83ac434787babd7c9873fee9beced1985d5a296583c09c218ec21a1561bf4505','13c9107e6fb38c171e264ac233988160b57e19bc31b8adf6bcc119fdbef947bd');
INSERT INTO "event" VALUES(34,'2026-11-21 17:45:29.643631','ana','post.submitted','post:01a1ff36-952b-7951-8ac5-02fd1949bffa','draft','submitted','submitted','{"post": "01a1ff36-952b-7951-8ac5-02fd1949bffa", "slug": "council-meeting", "digest": "3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47", "config": "add598d6c6409a5e"}','01a1ff36-952b-7951-8ac5-02fd1949bffa',NULL,'13c9107e6fb38c171e264ac233988160b57e19bc31b8adf6bcc119fdbef947bd','a0ca97c0df69937296c40f0cc95f30c4b14bab69084e5c527eb6a61c671ab842');
INSERT INTO "event" VALUES(35,'2026-11-21 17:45:29.747166','cleo','review.approve','post:01a1ff36-952b-7951-8ac5-02fd1949bffa',NULL,NULL,'','{"post": "01a1ff36-952b-7951-8ac5-02fd1949bffa", "digest": "3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47", "strategy": "68782e7af3f85d7d", "config": "add598d6c6409a5e"}','01a1ff36-952b-7951-8ac5-02fd1949bffa',NULL,'a0ca97c0df69937296c40f0cc95f30c4b14bab69084e5c527eb6a61c671ab842','8ca66d1182d44faf9421a9bf5aebc4bca71ef2a2343abf9de3236b0f56a41124');
INSERT INTO "event" VALUES(36,'2026-11-21 17:45:29.747166','cleo','post.approved','post:01a1ff36-952b-7951-8ac5-02fd1949bffa','submitted','approved','the last approval','{"post": "01a1ff36-952b-7951-8ac5-02fd1949bffa", "slug": "council-meeting", "digest": "3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47", "config": "add598d6c6409a5e"}','01a1ff36-952b-7951-8ac5-02fd1949bffa',NULL,'8ca66d1182d44faf9421a9bf5aebc4bca71ef2a2343abf9de3236b0f56a41124','1dade5ff2577371c8a2e634ff8a9689840141cbcfdc8f7949a321caafa103945');
INSERT INTO "event" VALUES(37,'2026-11-21 17:45:29.747166','cleo','delivery.plan','delivery:01a1ff36-9593-7a65-be2d-247261f06df2',NULL,'queued','','{"post": "01a1ff36-952b-7951-8ac5-02fd1949bffa", "channel": "website", "action": "publish", "slot": "2026-12-21T15:00:00+00:00", "config": "add598d6c6409a5e"}','01a1ff36-952b-7951-8ac5-02fd1949bffa','website','1dade5ff2577371c8a2e634ff8a9689840141cbcfdc8f7949a321caafa103945','a81b65c2825b9fba2333213f7ab29f085b60cbf079e8cc3e4523d499155c08df');
INSERT INTO "event" VALUES(38,'2026-11-21 17:45:29.747166','cleo','post.scheduled','post:01a1ff36-952b-7951-8ac5-02fd1949bffa','approved','scheduled','slots given','{"post": "01a1ff36-952b-7951-8ac5-02fd1949bffa", "slug": "council-meeting", "digest": "3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47", "config": "add598d6c6409a5e"}','01a1ff36-952b-7951-8ac5-02fd1949bffa',NULL,'a81b65c2825b9fba2333213f7ab29f085b60cbf079e8cc3e4523d499155c08df','8cc04bcab98a745500b4c90987a2c391182d32a380a624a86bcdd19c707ad8cd');
INSERT INTO "event" VALUES(39,'2026-11-21 17:45:29.847884','ana','post.add','post:01a1ff36-95f7-7b8d-b604-2366519f1e1c',NULL,'draft','','{"post": "01a1ff36-95f7-7b8d-b604-2366519f1e1c", "slug": "leaf-pickup", "digest": "e8b84839ec86869b73509bb4017e1dbd3c65d577bffd5af68939b2e9772b2b36", "config": "add598d6c6409a5e"}','01a1ff36-95f7-7b8d-b604-2366519f1e1c',NULL,'8cc04bcab98a745500b4c90987a2c391182d32a380a624a86bcdd19c707ad8cd','c44c8513948054addce1e2a7e21b9f9da20da9957d1f6ce3c2828d43075ac8c4');
INSERT INTO "event" VALUES(40,'2026-11-21 17:45:29.847884','ana','post.submitted','post:01a1ff36-95f7-7b8d-b604-2366519f1e1c','draft','submitted','submitted','{"post": "01a1ff36-95f7-7b8d-b604-2366519f1e1c", "slug": "leaf-pickup", "digest": "e8b84839ec86869b73509bb4017e1dbd3c65d577bffd5af68939b2e9772b2b36", "config": "add598d6c6409a5e"}','01a1ff36-95f7-7b8d-b604-2366519f1e1c',NULL,'c44c8513948054addce1e2a7e21b9f9da20da9957d1f6ce3c2828d43075ac8c4','f3e92b0aafacd8260400453521e32a4635365ba92cae7e355ca5601327560a70');
INSERT INTO "event" VALUES(41,'2026-11-21 17:45:30.255415','ben','channel.login','channel:hub',NULL,NULL,'for the tests','{"channel": "hub", "config": ""}',NULL,'hub','f3e92b0aafacd8260400453521e32a4635365ba92cae7e355ca5601327560a70','676ee37ebe36ec027f79dc2975f57d3e4ded589fea62cf60a4a583a776b500e0');
CREATE TABLE gathering (
	channel VARCHAR NOT NULL, 
	cursor VARCHAR, 
	planned_to DATETIME, 
	replies_at DATETIME, 
	not_before DATETIME, 
	failures INTEGER NOT NULL, 
	why VARCHAR NOT NULL, 
	PRIMARY KEY (channel)
);
CREATE TABLE head (
	one INTEGER NOT NULL, 
	event_id INTEGER NOT NULL, 
	hash VARCHAR NOT NULL, 
	PRIMARY KEY (one)
);
INSERT INTO "head" VALUES(1,41,'676ee37ebe36ec027f79dc2975f57d3e4ded589fea62cf60a4a583a776b500e0');
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value JSON, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema',2);
INSERT INTO "meta" VALUES('journal','"delete"');
INSERT INTO "meta" VALUES('config-seen','{"hash": "add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc", "keys": {"agency.name": "c2a42e2c9ec2", "agency.homepage": "0b8f36777e8d", "agency.timezone": "07320c53e1a7", "security.impersonation": "76c777b0ce3c", "strategy.mission": "663d93e20eeb", "strategy.main_channel": "e8efa4bdfd5f", "strategy.goals.services.statement": "8cda96fff89f", "strategy.goals.services.serves": "3bd6b0b002d4", "strategy.goals.services.mode": "f9cb5b4cc5c0", "strategy.goals.services.metric": "82ef3233354d", "strategy.goals.services.baseline": "391552c099c1", "strategy.goals.services.target": "cc11310c456c", "strategy.audiences.residents.description": "f976bced7f1a", "strategy.audiences.residents.scope": "ee080af1a91e", "strategy.audiences.residents.evidence": "b5ee43fed268", "people.ana.name": "75dbfc6c7e3b", "people.ana.login": "cd459debcce7", "people.ana.roles": "de2678a52c91", "people.ben.name": "592c848b4be6", "people.ben.login": "e3162470d484", "people.ben.roles": "c2447749368c", "people.ben.discipline": "96d9383ca9f1", "people.cleo.name": "310dc9118862", "people.cleo.login": "139cd9ed165c", "people.cleo.roles": "989cbe4779b1", "people.cleo.discipline": "96d9383ca9f1", "review.stages": "f832a96e2a8f", "daemon.drain": "3e56e2cebf1f", "channels.website.platform": "e8efa4bdfd5f", "channels.website.settings.folder": "b78532572a08", "channels.website.settings.base_url": "3c154afa336d", "channels.website.pilot.question": "582831117190", "channels.website.pilot.goal": "521b1f954f53", "channels.website.pilot.audience": "5f0e9727d485", "channels.website.pilot.evidence": "e04e43d5d2c0", "channels.website.pilot.why_here": "b34843773772", "channels.website.pilot.metric": "82ef3233354d", "channels.website.pilot.baseline": "391552c099c1", "channels.website.pilot.target": "cc11310c456c", "channels.website.pilot.owner": "e3162470d484", "channels.website.pilot.deputy": "139cd9ed165c", "channels.website.pilot.ends": "da62b3f131f4", "channels.website.pilot.caps.posts": "cad9e1bcc89d", "channels.hub.platform": "5bccfa0192a2", "channels.hub.settings.url": "825b4e67319f", "channels.hub.rate": "c89a148be40e", "channels.hub.pilot.question": "582831117190", "channels.hub.pilot.goal": "521b1f954f53", "channels.hub.pilot.audience": "5f0e9727d485", "channels.hub.pilot.evidence": "e04e43d5d2c0", "channels.hub.pilot.why_here": "b34843773772", "channels.hub.pilot.metric": "82ef3233354d", "channels.hub.pilot.baseline": "391552c099c1", "channels.hub.pilot.target": "cc11310c456c", "channels.hub.pilot.owner": "e3162470d484", "channels.hub.pilot.deputy": "139cd9ed165c", "channels.hub.pilot.ends": "da62b3f131f4", "channels.hub.pilot.caps.posts": "cad9e1bcc89d"}}');
INSERT INTO "meta" VALUES('told',32);
CREATE TABLE pilot (
	channel VARCHAR NOT NULL, 
	platform VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	resumes_to VARCHAR, 
	charter INTEGER NOT NULL, 
	started_at DATETIME, 
	ends DATE, 
	cap_posts INTEGER, 
	reason VARCHAR NOT NULL, 
	PRIMARY KEY (channel)
);
INSERT INTO "pilot" VALUES('website','website','running',NULL,1,'2026-11-21 17:45:25.850015','2027-03-21',200,'started with a complete charter');
INSERT INTO "pilot" VALUES('hub','webhook','running',NULL,1,'2026-11-21 17:45:25.902106','2027-03-21',200,'started with a complete charter');
CREATE TABLE post (
	id VARCHAR NOT NULL, 
	slug VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	author VARCHAR NOT NULL, 
	corrects VARCHAR, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	submitted_at DATETIME, 
	review_later BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (slug)
);
INSERT INTO "post" VALUES('01a1ff36-8b68-7449-baa5-f7262805ae0c','library-hours',1,'published','About library-hours','5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251','ana',NULL,'2026-11-21 17:45:27.144900','2026-11-21 17:45:28.622699','2026-11-21 17:45:27.144900',0);
INSERT INTO "post" VALUES('01a1ff36-9202-76f8-bb88-56d4dd1c718e','street-closure',1,'scheduled','About street-closure','de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1','ana',NULL,'2026-11-21 17:45:28.834268','2026-11-21 17:45:28.929959','2026-11-21 17:45:28.834268',0);
INSERT INTO "post" VALUES('01a1ff36-952b-7951-8ac5-02fd1949bffa','council-meeting',1,'scheduled','About council-meeting','3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47','ana',NULL,'2026-11-21 17:45:29.643631','2026-11-21 17:45:29.747166','2026-11-21 17:45:29.643631',0);
INSERT INTO "post" VALUES('01a1ff36-95f7-7b8d-b604-2366519f1e1c','leaf-pickup',1,'submitted','About leaf-pickup','e8b84839ec86869b73509bb4017e1dbd3c65d577bffd5af68939b2e9772b2b36','ana',NULL,'2026-11-21 17:45:29.847884','2026-11-21 17:45:29.847884','2026-11-21 17:45:29.847884',0);
CREATE TABLE reading (
	delivery_id VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	next_at DATETIME, 
	gone_at DATETIME, 
	PRIMARY KEY (delivery_id), 
	FOREIGN KEY(delivery_id) REFERENCES delivery (id)
);
CREATE TABLE remark (
	id INTEGER NOT NULL, 
	post_id VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	person VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	text VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(post_id) REFERENCES post (id)
);
CREATE TABLE reply (
	id VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	remote_id VARCHAR NOT NULL, 
	delivery_id VARCHAR, 
	answered_by VARCHAR, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	author VARCHAR NOT NULL, 
	author_url VARCHAR, 
	text VARCHAR NOT NULL, 
	language VARCHAR, 
	url VARCHAR, 
	"to" VARCHAR, 
	at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	raw JSON, 
	PRIMARY KEY (id)
);
CREATE TABLE sample (
	id INTEGER NOT NULL, 
	delivery_id VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	views INTEGER, 
	likes INTEGER, 
	shares INTEGER, 
	replies INTEGER, 
	quotes INTEGER, 
	clicks INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(delivery_id) REFERENCES delivery (id)
);
CREATE TABLE shown (
	post_id VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (post_id, person), 
	FOREIGN KEY(post_id) REFERENCES post (id)
);
INSERT INTO "shown" VALUES('01a1ff36-8b68-7449-baa5-f7262805ae0c','cleo','5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251','2026-11-21 17:45:27.219743');
INSERT INTO "shown" VALUES('01a1ff36-9202-76f8-bb88-56d4dd1c718e','cleo','de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1','2026-11-21 17:45:28.882881');
INSERT INTO "shown" VALUES('01a1ff36-952b-7951-8ac5-02fd1949bffa','cleo','3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47','2026-11-21 17:45:29.683316');
CREATE TABLE token (
	channel VARCHAR NOT NULL, 
	sealed VARCHAR NOT NULL, 
	n INTEGER NOT NULL, 
	changed_at DATETIME NOT NULL, 
	lease_owner VARCHAR, 
	lease_until DATETIME, 
	PRIMARY KEY (channel)
);
INSERT INTO "token" VALUES('hub','sealed-by-nobody',1,'2026-11-21 17:45:30.255415',NULL,NULL);
CREATE TABLE version (
	post_id VARCHAR NOT NULL, 
	n INTEGER NOT NULL, 
	digest VARCHAR NOT NULL, 
	taken_by VARCHAR NOT NULL, 
	taken_at DATETIME NOT NULL, 
	source VARCHAR NOT NULL, 
	source_sha256 VARCHAR NOT NULL, 
	config_hash VARCHAR NOT NULL, 
	strategy_hash VARCHAR NOT NULL, 
	draft JSON, 
	channels JSON, 
	findings JSON, 
	PRIMARY KEY (post_id, n), 
	FOREIGN KEY(post_id) REFERENCES post (id)
);
INSERT INTO "version" VALUES('01a1ff36-8b68-7449-baa5-f7262805ae0c',1,'5c1f0f1fdd1297cb74188c9cee8dc1078688da270f0218f52d7d07b082ec5251','ana','2026-11-21 17:45:27.144900','content/library-hours.md','07903ee27582861db29b334a8e44ce2a3cc2622d7443eed69daf0bf0ad841bb9','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc','68782e7af3f85d7d4b8b8ac4398baea61e449b37ea5575901711d8a610206b60','{"slug": "library-hours", "title": "About library-hours", "body": "These are the news of library-hours.", "author": "ana", "goal": "services", "audience": "residents", "topic": null, "link": "https://riverton.example.gov/library-hours", "language": "en", "corrects": null, "answers": null, "at": null, "not_before": null, "expires": null, "path": "/srv/riverton/content/library-hours.md", "channels": ["website", "hub"], "priority": "normal", "media": [], "wording": {}, "options": {}, "lines": {"title": 2, "author": 3, "goal": 4, "audience": 5, "channels": 6, "channels.0": 6, "channels.1": 6, "link": 7, "language": 8, "body": 10}}','{"website": {"platform": "website", "digest": "1868ccb21215c7dc8a1b2a06c205f0681b81505d809bbef457b296ab616a21a6", "target": null, "parts": [{"digest": "6df9df2000e50023d4d0e7de7b6a4a42577f00b71b6dc1fc93945c5006699705", "variant": {"text": "These are the news of library-hours.", "title": "About library-hours", "link": "https://riverton.example.gov/library-hours", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}}]}, "hub": {"platform": "webhook", "digest": "a33da4bf5497544cfeb76633cbb743bccf484760301a4bff778ad36cd2c761f6", "target": null, "parts": [{"digest": "6df9df2000e50023d4d0e7de7b6a4a42577f00b71b6dc1fc93945c5006699705", "variant": {"text": "These are the news of library-hours.", "title": "About library-hours", "link": "https://riverton.example.gov/library-hours", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}}]}}','[]');
INSERT INTO "version" VALUES('01a1ff36-9202-76f8-bb88-56d4dd1c718e',1,'de44c6f5f34b4c6b3f268c5825538b7df597bd01087f99bd9e591699e28ff9e1','ana','2026-11-21 17:45:28.834268','content/street-closure.md','445c0edbe0abfcc2788e2ac65787c18b23694d21d932fc338ca5146f0f98fa0c','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc','68782e7af3f85d7d4b8b8ac4398baea61e449b37ea5575901711d8a610206b60','{"slug": "street-closure", "title": "About street-closure", "body": "These are the news of street-closure.", "author": "ana", "goal": "services", "audience": "residents", "topic": null, "link": "https://riverton.example.gov/street-closure", "language": "en", "corrects": null, "answers": null, "at": null, "not_before": null, "expires": null, "path": "/srv/riverton/content/street-closure.md", "channels": ["hub"], "priority": "normal", "media": [], "wording": {}, "options": {}, "lines": {"title": 2, "author": 3, "goal": 4, "audience": 5, "channels": 6, "channels.0": 6, "link": 7, "language": 8, "body": 10}}','{"hub": {"platform": "webhook", "digest": "aab5e9e9d3e03c40c56d1616bce768147bccaec9d55bb0104276e37cdea2824a", "target": null, "parts": [{"digest": "b6230db7111b7e42d612ff018f179821de31a9fdb35c2c9353ab45172d93cdbc", "variant": {"text": "These are the news of street-closure.", "title": "About street-closure", "link": "https://riverton.example.gov/street-closure", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}}]}}','[]');
INSERT INTO "version" VALUES('01a1ff36-952b-7951-8ac5-02fd1949bffa',1,'3d6a7306bf9e67de1b415ac1a5086dfadfd87cd2b6375792baf03fb215999c47','ana','2026-11-21 17:45:29.643631','content/council-meeting.md','5b48b809b290ed0eef0d99697170ad0c4d8ebb25c20483fc5c353a1dfe21253a','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc','68782e7af3f85d7d4b8b8ac4398baea61e449b37ea5575901711d8a610206b60','{"slug": "council-meeting", "title": "About council-meeting", "body": "These are the news of council-meeting.", "author": "ana", "goal": "services", "audience": "residents", "topic": null, "link": "https://riverton.example.gov/council-meeting", "language": "en", "corrects": null, "answers": null, "at": {"wall": "2026-12-21T09:00", "zone": "America/Chicago", "utc": "2026-12-21T15:00:00+00:00"}, "not_before": null, "expires": null, "path": "/srv/riverton/content/council-meeting.md", "channels": ["website"], "priority": "normal", "media": [], "wording": {}, "options": {}, "lines": {"title": 2, "author": 3, "goal": 4, "audience": 5, "channels": 6, "channels.0": 6, "link": 7, "language": 8, "at": 9, "body": 11}}','{"website": {"platform": "website", "digest": "5ca93680e4c52b712eb4b78b1d277190bfbd543700bf91f0ef4cff05895f71d2", "target": null, "parts": [{"digest": "0fc1f91986426f912d40a439994a0857c5e76cdb87b9de374961a2997068aea4", "variant": {"text": "These are the news of council-meeting.", "title": "About council-meeting", "link": "https://riverton.example.gov/council-meeting", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}}]}}','[]');
INSERT INTO "version" VALUES('01a1ff36-95f7-7b8d-b604-2366519f1e1c',1,'e8b84839ec86869b73509bb4017e1dbd3c65d577bffd5af68939b2e9772b2b36','ana','2026-11-21 17:45:29.847884','content/leaf-pickup.md','17009876df99cce143459a3477a96ec52207796d76c9492e6c60d9fcd5117af5','add598d6c6409a5ed0f12391e72bf8630d4a73781af9f471ad6aa838c48722bc','68782e7af3f85d7d4b8b8ac4398baea61e449b37ea5575901711d8a610206b60','{"slug": "leaf-pickup", "title": "About leaf-pickup", "body": "These are the news of leaf-pickup.", "author": "ana", "goal": "services", "audience": "residents", "topic": null, "link": "https://riverton.example.gov/leaf-pickup", "language": "en", "corrects": null, "answers": null, "at": null, "not_before": null, "expires": null, "path": "/srv/riverton/content/leaf-pickup.md", "channels": ["website"], "priority": "normal", "media": [], "wording": {}, "options": {}, "lines": {"title": 2, "author": 3, "goal": 4, "audience": 5, "channels": 6, "channels.0": 6, "link": 7, "language": 8, "body": 10}}','{"website": {"platform": "website", "digest": "b9c46c523fe4214aa30c30ed7bdd8097719fabc653e9e581884979897adb99b9", "target": null, "parts": [{"digest": "b600972869747f4ab704858e0bc59dde367a0796a4f755864aa69937bc887452", "variant": {"text": "These are the news of leaf-pickup.", "title": "About leaf-pickup", "link": "https://riverton.example.gov/leaf-pickup", "language": "en", "corrects": null, "answers": null, "action": "publish", "media": [], "options": {}}}]}}','[]');
CREATE INDEX ix_post_state ON post (state);
CREATE INDEX ix_event_subject ON event (subject);
CREATE INDEX ix_event_post ON event (post);
CREATE INDEX ix_event_channel ON event (channel);
CREATE INDEX ix_event_at ON event (at);
CREATE INDEX ix_reply_delivery_id ON reply (delivery_id);
CREATE UNIQUE INDEX reply_once ON reply (channel, remote_id);
CREATE INDEX ix_approval_post_id ON approval (post_id);
CREATE INDEX ix_remark_post_id ON remark (post_id);
CREATE INDEX went_live ON delivery (channel, state, live_at);
CREATE INDEX by_slot ON delivery (channel, action, slot) WHERE part = 1;
CREATE INDEX by_post ON delivery (post_id, version, action, state);
CREATE INDEX due_now ON delivery (channel, due, priority DESC, part, id) WHERE state = 'queued';
CREATE INDEX ix_delivery_text_hash ON delivery (text_hash);
CREATE INDEX ix_delivery_waits_for ON delivery (waits_for);
CREATE INDEX by_state ON delivery (state, channel);
CREATE INDEX ix_attempt_delivery_id ON attempt (delivery_id);
CREATE INDEX ix_sample_delivery_id ON sample (delivery_id);
CREATE INDEX reading_of ON reading (channel, delivery_id);
CREATE INDEX reading_due ON reading (channel, next_at);
COMMIT;
