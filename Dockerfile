# One image for every role: ROLES says which of them a container has (docker-compose.yml runs one each).

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json tsconfig.client.json nest-cli.json ./
COPY docs/openapi.json docs/
COPY scripts/client-build.mjs scripts/
COPY src src
COPY console console
COPY sdk sdk
RUN npm run build

# Installed apart from the build, so that a change of source leaves this layer as it was.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim
WORKDIR /app
# Without DATABASE_URL one container does everything on the embedded database: keep /data in a volume then.
ENV NODE_ENV=production DATA_DIR=/data
RUN install -d -m 700 -o node -g node /data
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
# What runs belongs to root: the process can write to its data only.
# By number: Kubernetes cannot see that a name is not root.
USER 1000
EXPOSE 9080
# The image has no curl. Exit code 1 also when nothing answers: Node ends with it at an error that nothing catches. The
# certificate is that of a public name, which this machine does not ask by.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "const { TLS_CERT_FILE: tls, PORT: port } = process.env; require(tls ? 'https' : 'http').get({ host: '127.0.0.1', port: port || 9080, path: '/health/ready', rejectUnauthorized: false }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))"]
# No npm in front: it would stand between SIGTERM and the drain.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=32", "dist/main.js"]
