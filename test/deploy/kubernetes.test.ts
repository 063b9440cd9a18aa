import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Container, Probe, Service } from "kubernetes-types/core/v1.d.ts";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.d.ts";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.d.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerConfig } from "../../src/server/config/load.ts";
import { repository, runScript } from "../architecture/fixture-tree.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import {
  deployFile,
  loadDeployConfig,
  longestStop,
  readDeployFile,
  readManifest,
  readYaml,
} from "./deploy-files.ts";

const deployment = readManifest<Deployment>("deployment");
const service = readManifest<Service>("service");
const budget = readManifest<PodDisruptionBudget>("pod-disruption-budget");
const policy = readManifest<NetworkPolicy>("network-policy");
const pod = deployment.spec?.template.spec;
const container: Container = pod?.containers[0] ?? { name: "none" };

let folder: ConfigFolder;
let config: ServerConfig;
beforeAll(() => {
  folder = createConfigFolder();
  config = loadDeployConfig("kubernetes/proxy.yaml", folder);
});
afterAll(() => folder.remove());

/** Seconds that the hook sleeps. */
const hookWait = (): number => Number(container.lifecycle?.preStop?.exec?.command?.[1]);

const portOf = (address: ServerConfig["listen"] | undefined): number =>
  address !== undefined && "port" in address ? address.port : 0;

describe("the manifests", () => {
  test("have no key and no value that the types of Kubernetes do not have", async () => {
    const objects = [
      ["apps/v1", "Deployment", deployment],
      ["core/v1", "Service", service],
      ["policy/v1", "PodDisruptionBudget", budget],
      ["networking/v1", "NetworkPolicy", policy],
    ] as const;
    const parent = join(repository, "test-results");
    mkdirSync(parent, { recursive: true });
    const types = mkdtempSync(join(parent, "kubernetes-"));
    const text = objects.map(
      ([group, kind, object], index) =>
        `import type { ${kind} } from "kubernetes-types/${group}.d.ts";\nexport const object${index}: ${kind} = ${JSON.stringify(object)};\n`,
    );
    writeFileSync(join(types, "objects.ts"), text.join(""));
    const options = {
      noEmit: true,
      strict: true,
      module: "nodenext",
      target: "es2023",
      types: [],
      skipLibCheck: true,
    };
    writeFileSync(join(types, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["."] }));
    const { status, output } = await runScript("node_modules/typescript/bin/tsc", ["-p", types]);
    rmSync(types, { recursive: true });
    expect([status, output]).toEqual([0, ""]);
  });

  test("are all applied", () => {
    const { resources } = readYaml("kubernetes/kustomization.yaml") as { resources: readonly string[] };
    const others = ["kustomization.yaml", "proxy.yaml"];
    expect([...resources, ...others].toSorted()).toEqual(readdirSync(deployFile("kubernetes")).toSorted());
  });

  test("mean the same pods everywhere", () => {
    const labels = deployment.spec?.template.metadata?.labels;
    const selectors = [
      deployment.spec?.selector.matchLabels,
      service.spec?.selector,
      budget.spec?.selector?.matchLabels,
      policy.spec?.podSelector?.matchLabels,
      pod?.topologySpreadConstraints?.[0]?.labelSelector?.matchLabels,
    ];
    expect(labels).toEqual({ "app.kubernetes.io/name": "qlik-session-proxy" });
    for (const selector of selectors) expect(selector).toEqual(labels);
  });

  test("leave the drain its time: the hook, the drain, and what comes after it", () => {
    expect(container.lifecycle?.preStop?.exec?.command?.[0]).toBe("sleep");
    expect(hookWait()).toBeGreaterThan(0);
    const grace = pod?.terminationGracePeriodSeconds ?? 0;
    expect(grace).toBeGreaterThanOrEqual(hookWait() + longestStop(config));
    expect(config.drain.deadline).toBeGreaterThan(0);
  });

  test("wait in the hook at least until a red readiness is seen", () => {
    const { periodSeconds = 0, failureThreshold = 0 } = container.readinessProbe ?? {};
    expect(hookWait()).toBeGreaterThan(periodSeconds * failureThreshold);
  });

  test("ask the private listener: live to be left alone, ready to be sent work", () => {
    const ports = Object.fromEntries(
      (container.ports ?? []).map(({ name, containerPort }) => [name, containerPort]),
    );
    expect(ports).toEqual({ http: portOf(config.listen), admin: portOf(config.admin?.listen) });
    const asked = (probe: Probe | undefined): unknown => [probe?.httpGet?.path, probe?.httpGet?.port];
    expect(asked(container.startupProbe)).toEqual(["/health/live", "admin"]);
    expect(asked(container.livenessProbe)).toEqual(["/health/live", "admin"]);
    expect(asked(container.readinessProbe)).toEqual(["/health/ready", "admin"]);
    expect(service.spec?.ports?.map(({ targetPort }) => targetPort)).toEqual(["http"]);
  });

  test("give the pod nothing that it does not need", () => {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(pod?.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    const user = /^USER (\d+):(\d+)$/m.exec(readDeployFile("Dockerfile"));
    expect([pod?.securityContext?.runAsUser, pod?.securityContext?.fsGroup].map(String)).toEqual(
      user?.slice(1),
    );
    expect([pod?.automountServiceAccountToken, pod?.enableServiceLinks]).toEqual([false, false]);
  });

  test("mount every file that the configuration names, for its group only", () => {
    const named = [...readDeployFile("kubernetes/proxy.yaml").matchAll(/File: (\S+)\/[\w.-]+$/gm)].map(
      ([, path]) => path,
    );
    expect(new Set(named)).toEqual(new Set(["/run/secrets/qlik-session-proxy"]));
    const mounts = new Map((container.volumeMounts ?? []).map(({ name, mountPath }) => [name, mountPath]));
    expect(Object.fromEntries(mounts)).toEqual({
      config: "/etc/qlik-session-proxy",
      secrets: "/run/secrets/qlik-session-proxy",
    });
    expect(pod?.volumes?.find(({ name }) => name === "secrets")?.secret?.defaultMode).toBe(0o440);
  });

  test("keep a pod while others are taken away", () => {
    const replicas = deployment.spec?.replicas ?? 0;
    expect(replicas).toBeGreaterThan(Number(budget.spec?.maxUnavailable));
    expect(config.options.replicas).toBe(replicas);
    expect(deployment.spec?.strategy?.rollingUpdate?.maxUnavailable).toBe(0);
  });

  test("let nobody but the ingress say who the user is", () => {
    const [browsers, monitoring, ...others] = policy.spec?.ingress ?? [];
    expect(others).toEqual([]);
    expect([browsers?.ports?.[0]?.port, monitoring?.ports?.[0]?.port]).toEqual(["http", "admin"]);
    for (const rule of [browsers, monitoring])
      expect(rule?.from?.[0]?.namespaceSelector?.matchLabels).toBeDefined();
  });
});
