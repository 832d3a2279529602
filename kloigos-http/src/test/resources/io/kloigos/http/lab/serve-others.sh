# Lets the installed server be reached from elsewhere, with a certificate, and asks it there: serve-others.sh TOKEN
set -eu
mkdir /etc/ssl/kloigos
cd /etc/ssl/kloigos
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem 2>/dev/null
chgrp kloigos-server key.pem
chmod 640 key.pem
cat >>/etc/kloigos-server/kloigos.yaml <<'Y'
listen: 0.0.0.0:8443
tls_cert: /etc/ssl/kloigos/cert.pem
tls_key: /etc/ssl/kloigos/key.pem
Y
systemctl restart kloigos-server
exec timeout 120 python3 - "$1" <<'P'
import ssl, sys, time, urllib.error, urllib.request

def ask(headers):
    request = urllib.request.Request("https://localhost:8443/api/servers", headers=headers)
    try:
        return urllib.request.urlopen(request, context=ssl.create_default_context(cafile="cert.pem")).status
    except urllib.error.HTTPError as refusal:
        return refusal.code

while True:
    try:
        answer = ask({"Authorization": "Bearer " + sys.argv[1]})
        break
    except OSError:
        time.sleep(1)
print(f"with the token: {answer}, without: {ask({})}")
P
