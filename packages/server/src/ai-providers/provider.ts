import type { AIProviderStatus, AIProviderType } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { openKey, openSettings } from './sealed.ts'
import { type BedrockSettings, usesBedrock } from './settings.ts'
import type { ProviderWithKeys } from './store/providers.ts'

/** What the upstream speaks (chapter 05 section 1). */
export type WireFamily = 'openai' | 'anthropic' | 'copilot'

/** A key of a provider in the clear. */
export interface ProviderKey {
  readonly id: string
  readonly key: string
  /** What may be shown of it. */
  readonly hint: string
}

/** A provider as it is used: one state of its row and keys, which requests keep until they end (AG-57). */
export interface ModelProvider {
  readonly id: string
  /** Unique among live ones, and never changed. */
  readonly name: string
  readonly type: AIProviderType
  readonly family: WireFamily
  readonly displayName: string
  readonly icon: string
  /** Absolute, http or https. */
  readonly baseUrl: string
  readonly enabled: boolean
  /** `error` is enabled and cannot be used; `statusDetail` says why. */
  readonly status: AIProviderStatus
  readonly statusDetail: string
  /** In the order in which they are tried (AG-52); none unless it is enabled. */
  readonly keys: readonly ProviderKey[]
  /** For requests that are signed for AWS; undefined for others. */
  readonly bedrock: BedrockSettings | undefined
}

/** The family that a type behaves as (AG-97). */
export function wireFamilyOf(type: AIProviderType): WireFamily {
  switch (type) {
    case 'anthropic':
    case 'bedrock':
      return 'anthropic'
    case 'copilot':
      return 'copilot'
    case 'openai':
    case 'azure':
    case 'google':
    case 'openai-compat':
    case 'openrouter':
    case 'vercel':
      return 'openai'
  }
}

/** A stored provider with its secrets opened whether or not it is on, to be tested. */
export function openForTest(
  context: Pick<AppContext, 'secrets' | 'config'>,
  { row, keys }: ProviderWithKeys,
): ModelProvider {
  return { ...openProvider(context, { row: { ...row, enabled: true }, keys }), enabled: row.enabled }
}

/** Opens what a stored provider needs; what is wrong with one becomes its status and hurts no other (AG-107). */
export function openProvider(
  context: Pick<AppContext, 'secrets' | 'config'>,
  { row, keys }: ProviderWithKeys,
): ModelProvider {
  const base = {
    id: row.id,
    name: row.name,
    type: row.type,
    family: wireFamilyOf(row.type),
    displayName: row.display_name === '' ? row.name : row.display_name,
    icon: row.icon,
    baseUrl: row.base_url,
    enabled: row.enabled,
  }
  if (!row.enabled) return { ...base, status: 'disabled', statusDetail: '', keys: [], bedrock: undefined }
  try {
    const settings = openSettings(context, row)
    const bedrock = settings !== undefined && usesBedrock(row.type, settings) ? settings : undefined
    const opened = keys.map((key) => ({ id: key.id, key: openKey(context, key), hint: key.masked }))
    const fault = faultOf(row.type, opened, bedrock, context.config.aiGatewayAllowByok)
    return {
      ...base,
      status: fault === '' ? 'enabled' : 'error',
      statusDetail: fault,
      keys: opened,
      bedrock,
    }
  } catch {
    const statusDetail =
      'Its secrets cannot be read: the key that they were encrypted with is not configured.'
    return { ...base, status: 'error', statusDetail, keys: [], bedrock: undefined }
  }
}

function faultOf(
  type: AIProviderType,
  keys: readonly ProviderKey[],
  bedrock: BedrockSettings | undefined,
  allowByok: boolean,
): string {
  if (bedrock !== undefined) return ''
  if (type === 'bedrock') return 'It has no settings of Bedrock.'
  if (keys.length > 0 || allowByok) return ''
  return type === 'copilot'
    ? 'Users bring their own credentials for it, which this deployment does not allow.'
    : 'It has no key, and users may not bring their own.'
}
