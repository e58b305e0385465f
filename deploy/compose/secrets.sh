#!/bin/sh
# Make the secrets of the compose file, once: .env beside it, and kong.yaml from its template.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
	echo "secrets.sh: .env is there already; remove it to begin anew" >&2
	exit 1
fi
token_secret=$(openssl rand -base64 32)
umask 077
cat >.env <<END
MASTER_KEY=0:$(openssl rand -base64 32)
TOKEN_SECRET=0:$token_secret
POSTGRES_PASSWORD=$(openssl rand -hex 16)
PUBLIC_URL=http://127.0.0.1:8000
END
sed "s|@TOKEN_SECRET@|$token_secret|" kong.yaml.in >kong.yaml
echo "wrote .env and kong.yaml"
