# Freehold with everything that its embedded fleet runs: PostgreSQL, PgBouncer, pgBackRest.
FROM node:22-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY migrations migrations
COPY clients clients
RUN npx tsc -p tsconfig.build.json && npm prune --omit=dev

FROM node:22-trixie-slim
# The packages' services are not started and no cluster is created: Freehold runs its own.
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \
 && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -o Dpkg::Options::=--force-confold \
      postgresql postgresql-client redis-server pgbouncer pgbackrest libnss-wrapper e2fsprogs tini \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY scripts/run-in-container.sh scripts/
RUN chmod 755 dist/src/cli/freehold.js && ln -s /app/dist/src/cli/freehold.js /usr/local/bin/freehold
VOLUME ["/var/lib/freehold", "/etc/freehold/keys"]
EXPOSE 8080
ENV FREEHOLD_DATA_DIR=/var/lib/freehold FREEHOLD_BIND=0.0.0.0
# tini reaps the servers that outlive the process that started them.
ENTRYPOINT ["tini", "--"]
CMD ["sh", "/app/scripts/run-in-container.sh"]
