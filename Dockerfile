# syntax=docker/dockerfile:1

# The binary links nothing but the C library, so it runs on a distroless image.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install --no-install-recommends -y gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo ./.cargo
COPY src ./src
COPY benches ./benches
COPY templates ./templates
COPY rules ./rules
COPY fixtures ./fixtures
COPY relaybell.yaml ./
RUN cargo build --release --locked --bin relaybell

# The folder for the store, made here because the final image has no shell.
RUN mkdir -p /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/relaybell /usr/local/bin/relaybell
COPY --from=build --chown=65532:65532 /data /data
# Mount relaybell.yaml, rules/ and templates/ here, read-only; set server.listen to
# 0.0.0.0:8480 and storage.url to sqlite:/data/relaybell.db. Nothing else is written, so
# run with --read-only and a volume on /data.
WORKDIR /etc/relaybell
VOLUME ["/data"]
USER 65532:65532
EXPOSE 8480
ENV RELAYBELL_CONFIG=/etc/relaybell/relaybell.yaml
HEALTHCHECK --interval=15s --timeout=6s --start-period=10s --retries=3 CMD ["/usr/local/bin/relaybell", "health"]
ENTRYPOINT ["/usr/local/bin/relaybell"]
CMD ["serve"]
