import {
  ChatModelOverrideContext,
  type ChatPersonalOverrideContext,
  ChatPersonalOverrideMode,
  type ReasoningEffort,
} from '@slipway/contract'
import { isUuid } from '../search/index.ts'
import { isReasoningEffort } from './reasoning-effort.ts'

const DAY_MS = 86_400_000

/** Days that something is kept or left alone, at most (CH-5.1). */
export const MAX_DAYS = 3650
const DEFAULT_RETENTION_DAYS = 30
/** Milliseconds that workspaces of chats run, unless it is left to their template. */
export const MIN_TTL_MS = 60_000
export const MAX_TTL_MS = 30 * DAY_MS

/** A model that is chosen in place of another; a malformed choice counts as none. */
export interface StoredOverride {
  readonly modelConfigId: string | undefined
  readonly reasoningEffort: ReasoningEffort | undefined
  readonly malformed: boolean
}

/** What the deployment has set for chats, with defaults for what it has not. */
export interface DeploymentSettings {
  readonly systemPrompt: string
  /** Undefined until somebody has said it. */
  readonly includeDefaultSystemPrompt: boolean | undefined
  readonly planModeInstructions: string
  readonly overrides: Readonly<Record<ChatModelOverrideContext, StoredOverride>>
  readonly allowPersonalOverrides: boolean
  /** 0 leaves the rule of the template. */
  readonly workspaceTtlMs: number
  /** 0 is for ever. */
  readonly retentionDays: number
  /** 0 is never. */
  readonly autoArchiveDays: number
}

/** Keys of the settings of the deployment. */
export const SETTING = {
  systemPrompt: 'system_prompt',
  includeDefaultSystemPrompt: 'include_default_system_prompt',
  planModeInstructions: 'plan_mode_instructions',
  allowPersonalOverrides: 'allow_personal_model_overrides',
  workspaceTtl: 'workspace_ttl_ms',
  retentionDays: 'retention_days',
  autoArchiveDays: 'auto_archive_days',
} as const

/** Key of the override of the deployment for one context. */
export function overrideKey(context: ChatModelOverrideContext): string {
  return `model_override:${context}`
}

/** Reads stored texts; one that cannot be read counts as not set. */
export function readSettings(stored: ReadonlyMap<string, string>): DeploymentSettings {
  const include = stored.get(SETTING.includeDefaultSystemPrompt)
  const override = (context: ChatModelOverrideContext) => readOverride(stored.get(overrideKey(context)))
  return {
    systemPrompt: stored.get(SETTING.systemPrompt) ?? '',
    includeDefaultSystemPrompt: include === 'true' ? true : include === 'false' ? false : undefined,
    planModeInstructions: stored.get(SETTING.planModeInstructions) ?? '',
    overrides: {
      general: override('general'),
      explore: override('explore'),
      title_generation: override('title_generation'),
      compaction: override('compaction'),
    },
    allowPersonalOverrides: stored.get(SETTING.allowPersonalOverrides) === 'true',
    workspaceTtlMs: readNumber(stored.get(SETTING.workspaceTtl), 0, MAX_TTL_MS),
    retentionDays: readNumber(stored.get(SETTING.retentionDays), DEFAULT_RETENTION_DAYS, MAX_DAYS),
    autoArchiveDays: readNumber(stored.get(SETTING.autoArchiveDays), 0, MAX_DAYS),
  }
}

function readNumber(text: string | undefined, fallback: number, max: number): number {
  if (text === undefined || !/^\d{1,12}$/.test(text)) return fallback
  const value = Number(text)
  return value <= max ? value : fallback
}

const UNSET: StoredOverride = { modelConfigId: undefined, reasoningEffort: undefined, malformed: false }
const MALFORMED: StoredOverride = { ...UNSET, malformed: true }

function readOverride(text: string | undefined): StoredOverride {
  if (text === undefined) return UNSET
  const { model_config_id: id, reasoning_effort: effort } = readObject(text)
  if (typeof id !== 'string' || !isUuid(id)) return MALFORMED
  if (effort !== undefined && !isReasoningEffort(effort)) return MALFORMED
  return { modelConfigId: id, reasoningEffort: effort, malformed: false }
}

/** A choice as it is stored. */
export function writeOverride(modelConfigId: string, effort: ReasoningEffort | undefined): string {
  return JSON.stringify({ model_config_id: modelConfigId, reasoning_effort: effort })
}

/** What a user has chosen for a kind of chats. */
export interface PersonalOverride extends StoredOverride {
  readonly mode: ChatPersonalOverrideMode
  readonly isSet: boolean
}

/** Keys of the settings of a user. */
export const USER_PROMPT = 'custom_prompt'
const PERSONAL_PREFIX = 'model_override:'
const THRESHOLD_PREFIX = 'compaction_threshold:'

/** Key of what a user has chosen for one kind of chats. */
export function personalOverrideKey(context: ChatPersonalOverrideContext): string {
  return `${PERSONAL_PREFIX}${context}`
}

/** Key of a user's threshold for one model config. */
export function thresholdKey(modelConfigId: string): string {
  return `${THRESHOLD_PREFIX}${modelConfigId}`
}

/** A user's choice; what cannot be read, or was never made, is the default of its kind of chats. */
export function readPersonalOverride(
  context: ChatPersonalOverrideContext,
  text: string | undefined,
): PersonalOverride {
  const mode = context === 'root' ? 'chat_default' : 'deployment_default'
  if (text === undefined) return { ...UNSET, mode, isSet: false }
  const stored = readObject(text)
  const { mode: chosen } = stored
  if (!isMode(chosen) || (context === 'root' && chosen === 'deployment_default'))
    return { ...MALFORMED, mode, isSet: true }
  if (chosen !== 'model') return { ...UNSET, mode: chosen, isSet: true }
  const override = readOverride(text)
  return override.malformed ? { ...MALFORMED, mode, isSet: true } : { ...override, mode: chosen, isSet: true }
}

/** A user's choice as it is stored. */
export function writePersonalOverride(
  mode: ChatPersonalOverrideMode,
  modelConfigId: string | undefined,
  effort: ReasoningEffort | undefined,
): string {
  return JSON.stringify({ mode, model_config_id: modelConfigId, reasoning_effort: effort })
}

function isMode(value: unknown): value is ChatPersonalOverrideMode {
  return ChatPersonalOverrideMode.enum.some((mode) => mode === value)
}

/** Whether a text names what has a model of its own. */
export function isOverrideContext(text: string): text is ChatModelOverrideContext {
  return ChatModelOverrideContext.enum.some((context) => context === text)
}

/** The thresholds among a user's settings, in percent by model config; rows that cannot be read are skipped (CH-5.2). */
export function readThresholds(stored: ReadonlyMap<string, string>): Map<string, number> {
  const thresholds = new Map<string, number>()
  for (const [key, value] of stored) {
    const id = key.startsWith(THRESHOLD_PREFIX) ? key.slice(THRESHOLD_PREFIX.length) : ''
    const percent = readThreshold(value)
    if (isUuid(id) && percent !== undefined) thresholds.set(id, percent)
  }
  return thresholds
}

/** A stored threshold in percent; undefined for what is none. */
export function readThreshold(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,3}$/.test(text)) return undefined
  const percent = Number(text)
  return percent <= 100 ? percent : undefined
}

function readObject(text: string): { readonly [member: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
