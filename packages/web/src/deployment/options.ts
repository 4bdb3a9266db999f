import type { getDeploymentConfig, ResponseOf } from '@slipway/contract'
import type { DeploymentPage } from '../paths.ts'

/** One setting of the server. */
export type Option = ResponseOf<typeof getDeploymentConfig>['options'][number]

/** Pages in the order of their tabs. */
export const PAGES: readonly {
  readonly page: DeploymentPage
  readonly label: string
  readonly about: string
}[] = [
  { page: 'overview', label: 'Overview', about: 'What the deployment offers and how long it keeps things.' },
  { page: 'security', label: 'Security', about: 'Sessions, cookies, tokens and what is switched off.' },
  { page: 'observability', label: 'Observability', about: 'Logs, metrics, traces and the health report.' },
  { page: 'network', label: 'Network', about: 'Addresses, certificates, proxies and relays.' },
  {
    page: 'userauth',
    label: 'Sign-in',
    about: 'How people sign in, and what their provider says about them.',
  },
  { page: 'external-auth', label: 'External auth', about: 'Providers that workspaces get tokens from.' },
]

const SECURITY = new Set([
  'additional-csp-policy',
  'allow-query-tokens',
  'audit-denials',
  'browser-only',
  'disable-chat-sharing',
  'disable-owner-workspace-access',
  'disable-path-apps',
  'disable-session-expiry-refresh',
  'disable-workspace-sharing',
  'external-token-encryption-keys',
  'host-prefix-cookie',
  'samesite-auth-cookie',
  'secure-auth-cookie',
  'ssh-keygen-algorithm',
  'strict-transport-security',
  'strict-transport-security-options',
])
const SECURITY_NAMES = /^(session-|max-.*token-lifetime|default-.*lifetime|rate-limit|ssh-step-up|dangerous-)/
const SIGN_IN =
  /^(oidc-|oauth2-github-|scim-|disable-password-auth|require-second-factor|dormancy-period|terms-of-service)/
const NETWORK = new Set(['Networking', 'HTTP', 'TLS', 'DERP', 'Cluster'])
const OBSERVABILITY = new Set(['Introspection', 'Telemetry'])

/** The page that shows an option. Each has exactly one. */
export function pageOf(option: Option): DeploymentPage {
  const flag = option.flag ?? ''
  const top = topGroup(option)
  if (/^external-auth-/.test(flag)) return 'external-auth'
  if (SIGN_IN.test(flag)) return 'userauth'
  if (SECURITY.has(flag) || SECURITY_NAMES.test(flag) || /Dangerous/.test(top)) return 'security'
  if (NETWORK.has(top)) return 'network'
  if (OBSERVABILITY.has(top)) return 'observability'
  return 'overview'
}

function topGroup({ group }: Option): string {
  return group?.parent?.name ?? group?.name ?? ''
}

/** The heading that an option stands under, without the sign that only terminals need. */
export function groupTitle(option: Option): string {
  const { group } = option
  if (group === undefined || isElsewhere(option)) return 'General'
  const own = group.name.replace(/^[^\p{L}]+/u, '')
  const above = group.parent?.name
  return above === undefined || above === 'Introspection' || above === 'Networking' ? own : `${above}: ${own}`
}

/** What the heading is about. */
export function groupHelp(option: Option): string | undefined {
  return isElsewhere(option) ? undefined : option.group?.description
}

/** Whether the group of an option is a matter of another page than its own. */
function isElsewhere(option: Option): boolean {
  return NETWORK.has(topGroup(option)) && pageOf(option) !== 'network'
}

/** Where the value of an option came from. */
export type Source = 'flag' | 'env' | 'yaml' | 'default' | 'unset'

export function sourceOf({ value_source }: Option): Source {
  return value_source === 'flag' ||
    value_source === 'env' ||
    value_source === 'yaml' ||
    value_source === 'default'
    ? value_source
    : 'unset'
}

export function isSecret({ annotations }: Option): boolean {
  return annotations?.secret === 'true'
}

/** Whether somebody has chosen the value. */
export function isSet(option: Option): boolean {
  const source = sourceOf(option)
  return source !== 'default' && source !== 'unset'
}

/** Former names and settings for developers are of interest only where somebody has set them. */
export function isShown(option: Option): boolean {
  return option.hidden !== true || isSet(option)
}

/** Names of what has to be used instead of a deprecated option. */
export function replacements({ use_instead }: Option): readonly string[] {
  return (use_instead ?? []).flatMap((other) =>
    typeof other === 'object' && other !== null && 'flag' in other && typeof other.flag === 'string'
      ? [`--${other.flag}`]
      : [],
  )
}

/** Whether an option is meant by a search: every word is in its names, its description or its value. */
export function matches(option: Option, text: string): boolean {
  const { name, description, flag, env, yaml } = option
  const hay = [name, description, flag, env, yaml, isSecret(option) ? '' : valueText(option)]
    .join(' ')
    .toLowerCase()
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word.replace(/^--/, '')))
}

/** The value as the settings are written; empty when there is none. */
export function valueText(option: Option): string {
  const value = chosen(option)
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return isDuration(option) ? durationText(value) : String(value)
  if (Array.isArray(value))
    return value.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(',')
  if (typeof value === 'object') return Object.keys(value).length === 0 ? '' : JSON.stringify(value)
  return String(value)
}

/** Of words to choose among, the one that is chosen. */
function chosen({ value }: Option): unknown {
  return typeof value === 'object' && value !== null && 'Choices' in value && 'Value' in value
    ? value.Value
    : value
}

/** Lengths of time are numbers of nanoseconds; the default tells that an option is one. */
function isDuration({ default: initial, value, flag }: Option): boolean {
  if (initial !== undefined && /^\d+(\.\d+)?(ns|us|ms|s|m|h|d)/.test(initial)) return true
  const known = /(max-age|lifetime|period|interval|timeout|retention|delay|duration)$/.test(flag ?? '')
  return known && typeof value === 'number' && value >= 1e6
}

const UNITS = [
  ['h', 3_600_000_000_000],
  ['m', 60_000_000_000],
  ['s', 1_000_000_000],
  ['ms', 1_000_000],
] as const

/** `1h30m` of a number of nanoseconds. */
export function durationText(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  let rest = Math.abs(nanoseconds)
  const parts = UNITS.flatMap(([unit, length]) => {
    const count = Math.floor(rest / length)
    rest -= count * length
    return count === 0 ? [] : [`${count}${unit}`]
  })
  if (rest > 0 && parts.length === 0) parts.push(`${rest}ns`)
  return `${nanoseconds < 0 ? '-' : ''}${parts.join('')}`
}

/** Lines of a file of variables; secrets are named, and their values left out. */
export function envLines(options: readonly Option[]): string {
  return options
    .flatMap((option) => {
      if (option.env === undefined) return []
      return isSecret(option) ? [`# ${option.env}=`] : [`${option.env}=${quoted(valueText(option))}`]
    })
    .join('\n')
}

/** A value as shells and `.env` files read it. */
function quoted(value: string): string {
  return /^[\w./:@%+,-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`
}
