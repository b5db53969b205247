# Freehold with everything that its embedded fleet runs: PostgreSQL, HAProxy, PgBouncer, pgBackRest.
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
WORKDIR /app
# The set-up's own half that runs as root: it starts no services, makes no cluster, and brings a PgBouncer newer than Debian's.
COPY scripts/setup scripts/setup
RUN node scripts/setup/packages.mjs install \
      postgresql postgresql-client redis-server haproxy pgbackrest libnss-wrapper e2fsprogs tini --pooler \
 && rm -rf /var/lib/apt/lists/*
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
