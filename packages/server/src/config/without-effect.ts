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
  'usageStatsEnable',
  'traceLogs',
  'logHuman',
  'logJson',
  'logStackdriver',
  'metricsCacheRefreshInterval',
  'agentStatsRefreshInterval',
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

/** What is still missing of options that have a part of their effect. */
export const partialEffect: Readonly<Partial<Record<keyof Config, string>>> = {
  logFilter: 'Only .* has an effect yet.',
}

const missing: ReadonlySet<string> = new Set(withoutEffect)
const partial: ReadonlyMap<string, string> = new Map(Object.entries(partialEffect))

/** Help of an option and, where that is so, that giving it a value changes nothing or not all that it says. */
export function describe(key: string, { help, inert }: AnyOption): string {
  if (inert !== undefined) return `${help} Has no effect: ${inert}.`
  if (missing.has(key)) return `${help} Has no effect yet.`
  const note = partial.get(key)
  return note === undefined ? help : `${help} ${note}`
}

/** Whether nothing acts on the option: not yet, or never. */
export function lacksEffect(key: string, { inert }: AnyOption): boolean {
  return inert !== undefined || missing.has(key)
}
