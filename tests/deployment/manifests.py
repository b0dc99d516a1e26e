#!/usr/bin/env python3
"""Renders the chart with Helm for every file of values in its ci/, and holds what comes out against the schemas of
Kubernetes and against the rules of this project; likewise docker-compose.yml and deploy/cloud-run.

    tests/deployment/manifests.py [GATEHOUSE]

With the program, it also has to accept each configuration.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import compose_spec
import kubernetes_validate
import yaml

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
HELM = ROOT / ".tools" / "deployment" / "helm" / "helm"
CHART = ROOT / "deploy" / "helm" / "gatehouse"
# The oldest that the chart names, and the newest that there is a schema of.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
# Values that the schema has to refuse.
WRONG = (
    "publicUrl=http://mcp.example.com",
    "publicUrl=https://mcp.example.com/",
    "database.existingSecret=",
    "replicas=3",
    "image.digest=latest",
    "gateway.enabled=true",
    "ingress.enabled=true",
    "admin.port=8080",
    "admin.podMonitor.enabled=true",
)


def helm(*arguments, **options):
    return subprocess.run([HELM, *arguments], text=True, capture_output=True, timeout=60, **options)


def render(values):
    done = helm("template", "gate", str(CHART), "--values", str(values))
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def pod_of(document):
    kind, spec = document["kind"], document.get("spec", {})
    if kind == "Pod":
        return spec
    if kind in ("Deployment", "Job"):
        return spec["template"]["spec"]
    return None


def check_pod(name, pod):
    security = pod["securityContext"]
    assert security["runAsNonRoot"] and security["seccompProfile"]["type"] == "RuntimeDefault", name
    assert pod["automountServiceAccountToken"] is False, name
    for container in pod["containers"]:
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"], name
        assert own["capabilities"] == {"drop": ["ALL"]}, name


def check_selectors(documents):
    deployment = next(document for document in documents if document["kind"] == "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for document in documents:
        spec = document.get("spec", {})
        selector = {
            "Service": lambda: spec["selector"],
            "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda: spec["podSelector"]["matchLabels"],
            "PodMonitor": lambda: spec["selector"]["matchLabels"],
            "Deployment": lambda: spec["selector"]["matchLabels"],
        }.get(document["kind"])
        if selector:
            chosen = selector()
            assert chosen.items() <= labels.items(), f"{document['kind']} selects no pod"
            for other in documents:
                pod = other["spec"]["template"] if other["kind"] == "Job" else other if other["kind"] == "Pod" else None
                assert not pod or not chosen.items() <= pod["metadata"]["labels"].items(), f"{document['kind']} selects {other['kind']}"


def check_chart(gatehouse):
    for values in sorted((CHART / "ci").glob("*-values.yaml")):
        done = helm("lint", "--strict", str(CHART), "--values", str(values))
        assert done.returncode == 0, done.stdout + done.stderr
        documents = render(values)
        routes = [document for document in documents if document["apiVersion"].startswith("gateway.")]
        monitors = [document for document in documents if document["kind"] == "PodMonitor"]
        for document in documents:
            assert document["kind"] != "Secret", "secrets are somebody else's"
            if document not in routes and document not in monitors:
                for version in VERSIONS:
                    kubernetes_validate.validate(document, version, strict=True)
            pod = pod_of(document)
            if pod:
                check_pod(document["metadata"]["name"], pod)
        check_selectors(documents)
        check_scraping(documents, monitors)
        if routes:
            subprocess.run(["node", str(HERE / "gateway_api.mjs")], input=json.dumps(routes), text=True, check=True, timeout=30)
        if gatehouse:
            check_configuration(gatehouse, documents)
        print(f"{values.name}: {len(documents)} objects hold for Kubernetes {' and '.join(VERSIONS)}")
    for setting in WRONG:
        done = helm("template", "gate", str(CHART), "--values", str(CHART / "ci" / "least-values.yaml"), "--set", setting)
        assert done.returncode != 0 and "schema" in done.stderr, f"{setting} was taken: {done.stderr}"


def check_scraping(documents, monitors):
    """A monitor names a port that the pods have; its schema is not at hand."""
    deployment = next(document for document in documents if document["kind"] == "Deployment")
    ports = {port["name"] for container in pod_of(deployment)["containers"] for port in container["ports"]}
    for monitor in monitors:
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            assert endpoint["port"] in ports and endpoint["path"] == "/metrics", endpoint


def check_configuration(gatehouse, documents):
    """As a pod would start it: the file of the ConfigMap, the variables, the files of the secrets."""
    text = next(document for document in documents if document["kind"] == "ConfigMap")["data"]["gatehouse.toml"]
    for document in documents:
        if document["kind"] == "Deployment":
            check_container(gatehouse, pod_of(document)["containers"][0], text)
        elif document["kind"] == "Job":
            check_container(gatehouse, pod_of(document)["containers"][0], None)


def check_container(gatehouse, container, text, **platform):
    with tempfile.TemporaryDirectory(prefix="gatehouse-chart-") as folder:
        secrets = Path(folder)
        (secrets / "url").write_text("postgres://gatehouse:secret@database/gatehouse")
        (secrets / "key").write_bytes(base64.b64encode(os.urandom(32)))
        environment = {"PATH": os.environ["PATH"]} | platform
        for variable in container["env"]:
            value = variable.get("value", "from a secret")
            environment[variable["name"]] = re.sub(r"^(/run)?/secrets/.*/", f"{folder}/", value)
        command = [gatehouse, "check-config"]
        if text is not None:
            (secrets / "gatehouse.toml").write_text(text)
            command[1:1] = ["--config", str(secrets / "gatehouse.toml")]
        done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr


def check_cloud_run(gatehouse):
    folder = ROOT / "deploy" / "cloud-run"
    service = yaml.safe_load((folder / "service.yaml").read_text())["spec"]["template"]["spec"]
    job = yaml.safe_load((folder / "migrate.yaml").read_text())["spec"]["template"]["spec"]["template"]["spec"]
    for spec in (service, job):
        volumes = {volume["name"] for volume in spec["volumes"]}
        for container in spec["containers"]:
            assert volumes == {mount["name"] for mount in container["volumeMounts"]}, container["image"]
            if gatehouse:
                check_container(gatehouse, container, None, PORT="8080" if spec is service else "")
    print("cloud-run: a service and a job")


def check_yaml():
    for path in sorted([*(ROOT / "deploy").rglob("*.yaml"), *(ROOT / ".github").rglob("*.yml")]):
        if CHART not in path.parents:
            list(yaml.safe_load_all(path.read_text()))


def check_compose():
    text = (ROOT / "docker-compose.yml").read_text()
    options = compose_spec.PyOptions()
    options.apply_merge = True
    options.from_yaml(text)
    whole = yaml.safe_load(text)
    services = whole["services"]
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port} is open to other machines"
        for other in service.get("depends_on", {}):
            assert other in services, f"{name} waits for {other}, which is not there"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = (ROOT / source).is_file() if source.startswith("./") else source in whole["volumes"]
            assert known, f"{name}: nothing to mount at {source}"
    print(f"docker-compose.yml: {len(services)} services")


def main():
    gatehouse = str(Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else None
    check_chart(gatehouse)
    check_compose()
    check_cloud_run(gatehouse)
    check_yaml()


if __name__ == "__main__":
    main()
