# The product in one image, `sanmon` and its commands (docs/operations.md). PostgreSQL is not in it: the embedded one is left
# out, so DATABASE_URL (or one for each module) must be set, or the start ends with exit code 1 and says so.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No package of ours needs its install script, so none runs.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src ./src
# Types and source maps of packages are a third of them, and nobody reads them at run time.
RUN npx nest build \
  && chmod +x dist/cli/main.js \
  && npm prune --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund \
  && find node_modules -type f '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' ')' -delete

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Sanmon" \
  org.opencontainers.image.description="An order-processing backend with three gates: REST, gRPC and RabbitMQ" \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
  DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data && ln -s /app/dist/cli/main.js /usr/local/bin/sanmon
# package.json says that these are ES modules; proto/ is read at every start, docs/contracts/ when somebody asks.
COPY LICENSE package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY proto ./proto
COPY docs/contracts ./docs/contracts
# By its number, which Kubernetes can tell from root's. Nothing in /app is its own, and nothing is written but to /data.
USER 1000:1000
VOLUME /data
EXPOSE 3000 50051
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: it handles SIGTERM and SIGINT and starts no other processes here, so no init is needed.
ENTRYPOINT ["sanmon"]
CMD ["start"]
