FROM scratch
COPY root /
COPY --chown=65532:65532 owned /
USER 65532:65532
VOLUME /data
EXPOSE 5432 7000 7080
ENTRYPOINT ["/slot", "/data", "/service"]
