FROM scratch
COPY root /
COPY --chown=65532:65532 owned /
USER 65532:65532
VOLUME /data
EXPOSE 4222 8222
ENTRYPOINT ["/nats-server", "--config", "/nats.conf"]
