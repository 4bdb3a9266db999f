import type { AnyOption } from './option.ts'
import type { Config } from './options.ts'

/**
 * Keys of options that are read and checked but that no part of the server acts on yet. Whoever makes the server
 * act on one takes it out; `without-effect.test.ts` compares this list with what the sources read.
 */
export const withoutEffect: readonly (keyof Config)[] = [
  'cacheDir',
  'ephemeral',
  'postgresAuth',
  'postgresMaxIdle',
  'proxyHealthInterval',
  'tlsClientCertFile',
  'tlsClientKeyFile',
  'provisionerTypes',
  'provisionerDaemonPsk',
  'jobHangDetectorInterval',
  'prebuildsReconciliationInterval',
  'prebuildsReconciliationBackoffInterval',
  'prebuildsReconciliationBackoffLookbackPeriod',
  'prebuildsFailureHardLimit',
  'cliUpgradeMessage',
  'webTerminalRenderer',
  'agentFallbackTroubleshootingUrl',
  'disableTemplateBuilder',
  'templateBuilderRegistryUrl',
  'prometheusCollectDbMetrics',
  'traceLogs',
  'metricsCacheRefreshInterval',
  'telemetryEnable',
  'telemetryUrl',
  'swaggerEnable',
  'aiGatewayProxyEnabled',
  'aiGatewayProxyListenAddr',
  'aiGatewayProxyTlsCertFile',
  'aiGatewayProxyTlsKeyFile',
  'aiGatewayProxyCertFile',
  'aiGatewayProxyKeyFile',
  'aiGatewayProxyUpstream',
  'aiGatewayProxyUpstreamCa',
  'aiGatewayProxyAllowedPrivateCidrs',
  'aiGatewayProxyDumpDir',
  'aiGatewayProxyTarget',
  'chatDebugLoggingEnabled',
  'chatAiGatewayRoutingEnabled',
  'chatHookUrl',
  'chatHookSecret',
  'chatHookTimeout',
  'chatHookEnabled',
  'chatHookAllowInsecure',
  'boundaryLogRetention',
]

const missing: ReadonlySet<string> = new Set(withoutEffect)

/** Help of an option and, where that is so, that giving it a value changes nothing. */
export function describe(key: string, { help, inert }: AnyOption): string {
  if (inert !== undefined) return `${help} Has no effect: ${inert}.`
  return missing.has(key) ? `${help} Has no effect yet.` : help
}

/** Whether nothing acts on the option: not yet, or never. */
export function lacksEffect(key: string, { inert }: AnyOption): boolean {
  return inert !== undefined || missing.has(key)
}
