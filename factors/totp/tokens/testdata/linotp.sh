#!/bin/sh
# Writes linotp.json and linotp.enckey: what LinOTP has in its database, made by
# openssl and sqlite3 from LinOTP's published source, and by nothing of ours.
# Needs openssl, od and sqlite3; run it in this directory.
set -eu
printf '%s' 'portvakt-test-key-of-32-octets-1portvakt-test-key-of-32-octets-2portvakt-test-key-of-32-octets-3' >linotp.enckey
key=$(head -c 32 linotp.enckey | od -An -v -tx1 | tr -d ' \n')
hex() { od -An -v -tx1 | tr -d ' \n'; }
# seal VECTOR SEED: hexadecimal twice, padded by openssl (PKCS #7), from 3.1 on.
seal() { printf '%s' "$2" | hex | openssl enc -aes-256-cbc -K "$key" -iv "$1" | hex; }
# sealold VECTOR SEED: 01 02 and zeros behind it, before 3.1.
sealold() {
	{
		printf '%s' "$2" | hex
		printf '\001\002'
		n=$((${#2} * 2 + 2))
		while [ $((n % 16)) -ne 0 ]; do
			printf '\000'
			n=$((n + 1))
		done
	} | openssl enc -aes-256-cbc -nopad -K "$key" -iv "$1" | hex
}
a=000102030405060708090a0b0c0d0e0f b=f0e0d0c0b0a090807060504030201000
s20=3132333435363738393031323334353637383930
s32=3132333435363738393031323334353637383930313233343536373839303132
sqlite3 :memory: >linotp.json <<SQL
CREATE TABLE "Token" ("LinOtpTokenId" INTEGER NOT NULL PRIMARY KEY, "LinOtpTokenDesc" VARCHAR(80), "LinOtpTokenSerialnumber" VARCHAR(40) NOT NULL UNIQUE,
 "LinOtpTokenType" VARCHAR(30), "LinOtpTokenInfo" VARCHAR(2000), "LinOtpUserid" VARCHAR(320), "LinOtpOtpLen" INTEGER, "LinOtpKeyEnc" VARCHAR(1024),
 "LinOtpKeyIV" VARCHAR(32), "LinOtpIsactive" BOOLEAN, "LinOtpCount" INTEGER);
INSERT INTO "Token" ("LinOtpTokenSerialnumber","LinOtpTokenType","LinOtpTokenInfo","LinOtpUserid","LinOtpOtpLen","LinOtpKeyEnc","LinOtpKeyIV","LinOtpIsactive","LinOtpCount") VALUES
('TOTP0001','TOTP','{' || char(10) || '"timeWindow": 180, ' || char(10) || '"timeShift": -12.0, ' || char(10) || '"timeStep": "60", ' || char(10) || '"hashlib": "sha256"' || char(10) || '}','0a7b4f3aabc8d24e8df3b7a0a75173ce',8,'$(seal $a $s32)','$a',1,57000000),
('OATH0002','HMAC','{"hashlib": "sha1"}','bjorn',6,'$(seal $b $s20)','$b',1,42),
('OATH0003','HMAC','','carol',6,'$(sealold $a 4142434445464748494a4b4c4d4e4f5051525354)','$a',1,7),
('TOTP0004','TOTP',NULL,'dagny',6,'$(sealold $b 6162636465666768696A6B6C6D6E6F7071727374)','$b',1,0),
('LSSM0005','sms','{"phone": "+47 900 00 042", "hashlib": "sha1"}','alice',6,'$(seal $a $s20)','$a',1,3),
('TOTP0006','TOTP','{}','erik',6,'$(seal $a $s20)','$a',0,0),
('TOTP0007','TOTP','{}','',6,'$(seal $a $s20)','$a',1,0),
('KIPT0008','push','{"state": "active"}','alice',6,NULL,NULL,1,0),
('PW000009','pw','','alice',6,'2436','3a313a',1,0),
('TOTP0010','TOTP','{"validity_period_end": "31/12/26 23:59", "timeStep": 30}','alice',6,'$(seal $a $s20)','$a',1,0),
('TOTP0011','TOTP','{"hashlib": "md5"}','alice',6,'$(seal $a $s20)','$a',1,0);
SELECT json_object('LinOtpTokenSerialnumber', "LinOtpTokenSerialnumber", 'LinOtpTokenType', "LinOtpTokenType", 'LinOtpTokenInfo', "LinOtpTokenInfo",
 'LinOtpUserid', "LinOtpUserid", 'LinOtpOtpLen', "LinOtpOtpLen", 'LinOtpKeyEnc', "LinOtpKeyEnc", 'LinOtpKeyIV', "LinOtpKeyIV", 'LinOtpCount', "LinOtpCount",
 'LinOtpIsactive', "LinOtpIsactive") FROM "Token" ORDER BY "LinOtpTokenId";
SQL
