import type { AuditAction, AuditLog, AuditResourceType } from '@slipway/contract'
import { roleTitleOf } from '../organizations/role-words.ts'

/** A part of the sentence of an entry: words, or the place of a name. */
type SentencePart =
  | { readonly kind: 'words'; readonly text: string }
  | { readonly kind: 'user' }
  | { readonly kind: 'target' }

/** The server names types and actions as its database does, in small letters and one word. */
const ACRONYMS = /\b(?:ai|api|idp|mcp|ssh|totp)\b|\boauth(?=2\b)/g
const TRIES = /(?<=\battempted to )(?:write|login|logout)\b/
const SAID: Readonly<Record<string, string>> = { write: 'update', login: 'log in', logout: 'log out' }

/** The sentence of an entry (`{user} created user {target}`) in parts, so that names can be links. */
export function sentenceParts(description: string): readonly SentencePart[] {
  return description
    .split(/(\{user\}|\{target\})/)
    .filter((part) => part !== '')
    .map((part) =>
      part === '{user}'
        ? { kind: 'user' }
        : part === '{target}'
          ? { kind: 'target' }
          : {
              kind: 'words',
              text: part
                .replace(ACRONYMS, (word) => (word === 'oauth' ? 'OAuth' : word.toUpperCase()))
                .replace(TRIES, (word) => SAID[word] ?? word),
            },
    )
}

/** Where times are read: as the clock of the viewer shows them, or as the server writes them. */
export type Zone = 'local' | 'utc'

interface Clock {
  readonly weekday: Intl.DateTimeFormat
  readonly day: Intl.DateTimeFormat
  readonly time: Intl.DateTimeFormat
  readonly exact: Intl.DateTimeFormat
}

function clockOf(zone: Partial<Pick<Intl.DateTimeFormatOptions, 'timeZone'>>): Clock {
  return {
    weekday: new Intl.DateTimeFormat('en-GB', { ...zone, weekday: 'long' }),
    day: new Intl.DateTimeFormat('en-GB', {
      ...zone,
      day: 'numeric',
      month: 'long',
      year: 'numeric',
    }),
    time: new Intl.DateTimeFormat('en-GB', {
      ...zone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    }),
    exact: new Intl.DateTimeFormat('en-GB', {
      ...zone,
      year: 'numeric',
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'short',
    }),
  }
}

const CLOCKS: Readonly<Record<Zone, Clock>> = { local: clockOf({}), utc: clockOf({ timeZone: 'UTC' }) }

/** "15:04:05" of a time. */
export function clockTime(time: string, zone: Zone): string {
  return CLOCKS[zone].time.format(new Date(time))
}

/** The whole time, with the name of its zone. */
export function wholeTime(time: string, zone: Zone): string {
  return CLOCKS[zone].exact.format(new Date(time))
}

/** Entries by the day on which they were written, in the order in which they come (UI-1405). */
export function byDay<Entry extends { readonly time: string }>(
  entries: readonly Entry[],
  zone: Zone,
): readonly { readonly day: string; readonly entries: readonly Entry[] }[] {
  const days: { day: string; entries: Entry[] }[] = []
  for (const entry of entries) {
    const { weekday, day: date } = CLOCKS[zone]
    const day = `${weekday.format(new Date(entry.time))}, ${date.format(new Date(entry.time))}`
    const last = days.at(-1)
    if (last?.day === day) last.entries.push(entry)
    else days.push({ day, entries: [entry] })
  }
  return days
}

/** Texts as they are, the rest as JSON; empty ones have a word of their own. */
function valueText(value: unknown): string {
  if (value === undefined || value === null || value === '') return ''
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1)
}

const ROLE_FIELDS: ReadonlySet<string> = new Set([
  'rbac_roles',
  'roles',
  'default_org_member_roles',
  'assignable_by',
])

/** A value of a field as it is shown: roles by their titles, anything else as it is. */
export function fieldText(field: string, value: unknown): string {
  if (!ROLE_FIELDS.has(field) || !Array.isArray(value)) return valueText(value)
  return value.map((role) => (typeof role === 'string' ? roleTitleOf(role) : valueText(role))).join('\n')
}

/** `2026-01-31` of the day that many days before now, as the server counts days (UTC). */
export function dayBefore(days: number, now: number): string {
  return new Date(now - days * 86_400_000).toISOString().slice(0, 10)
}

/** What an entry is about, by name; a build has none but that of its workspace. */
export function targetOf({
  resource_target: target,
  resource_id: id,
  additional_fields: { workspace_name: workspace },
}: Pick<AuditLog, 'resource_target' | 'resource_id' | 'additional_fields'>): string {
  if (target !== '') return target
  return typeof workspace === 'string' && workspace !== '' ? workspace : id.slice(0, 8)
}

/** Why a build was made without anybody asking for it; `undefined` when somebody did. */
export function automaticReason(entry: Pick<AuditLog, 'additional_fields'>): string | undefined {
  const reason = entry.additional_fields.build_reason
  return typeof reason === 'string' ? REASONS[reason] : undefined
}

const REASONS: Readonly<Record<string, string>> = {
  autostart: 'by schedule',
  autostop: 'by schedule',
  dormancy: 'not used for long',
  autodelete: 'not used for long',
  failedstop: 'after a failure',
  task_auto_pause: 'task paused',
}

const words = (word: string) => {
  const text = word.replaceAll('_', ' ')
  return { value: word, label: text.charAt(0).toUpperCase() + text.slice(1) }
}

export const ACTIONS = (
  [
    'create',
    'write',
    'delete',
    'start',
    'stop',
    'login',
    'logout',
    'register',
    'request_password_reset',
  ] as const satisfies readonly AuditAction[]
).map((action) => (action === 'write' ? { value: action, label: 'Update' } : words(action)))

const TYPE_LABELS: Readonly<Partial<Record<AuditResourceType, string>>> = {
  api_key: 'Token or session',
  convert_login: 'Login type',
  git_ssh_key: 'SSH key',
  idp_sync_settings_group: 'IdP sync of groups',
  idp_sync_settings_organization: 'IdP sync of organizations',
  idp_sync_settings_role: 'IdP sync of roles',
  user_secret: 'Secret of a user',
}

export const RESOURCE_TYPES = (
  [
    'api_key',
    'convert_login',
    'custom_role',
    'git_ssh_key',
    'group',
    'identity_provider',
    'idp_sync_settings_group',
    'idp_sync_settings_organization',
    'idp_sync_settings_role',
    'organization',
    'organization_member',
    'template',
    'template_version',
    'user',
    'user_secret',
    'workspace',
    'workspace_agent',
    'workspace_app',
    'workspace_build',
  ] as const satisfies readonly AuditResourceType[]
).map((type) => ({ value: type, label: TYPE_LABELS[type] ?? words(type).label }))
