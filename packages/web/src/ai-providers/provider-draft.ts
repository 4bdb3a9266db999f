import type {
  AIProvider,
  AIProviderKeyMutation,
  AIProviderSettings,
  AIProviderType,
  CreateAIProviderRequest,
  UpdateAIProviderRequest,
} from '@slipway/contract'
import { providerKind } from './provider-types.ts'

/** Most keys that a provider has (AG-100). */
export const MOST_KEYS = 5

/** A key as it is edited: one that is there, or the text of a new one. */
export type KeyDraft =
  | { readonly key: number; readonly id: string; readonly masked: string; readonly created: string }
  | { readonly key: number; readonly text: string }

/** Settings of Bedrock as texts; secrets are empty while they stay as they are. */
export interface AwsDraft {
  readonly protocol: 'invoke-model' | 'mantle'
  readonly region: string
  readonly model: string
  readonly small_fast_model: string
  readonly access_key: string
  readonly access_key_secret: string
  readonly role_arn: string
}

export interface ProviderDraft {
  readonly type: AIProviderType
  readonly name: string
  readonly display_name: string
  readonly icon: string
  readonly base_url: string
  readonly enabled: boolean
  readonly keys: readonly KeyDraft[]
  readonly aws: AwsDraft
}

const AWS: AwsDraft = {
  protocol: 'invoke-model',
  region: '',
  model: 'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
  small_fast_model: 'global.anthropic.claude-haiku-4-5-20251001-v1:0',
  access_key: '',
  access_key_secret: '',
  role_arn: '',
}

/** A provider as its form begins, with a name that none of `taken` has. */
export function newProvider(type: AIProviderType, taken: readonly string[] = []): ProviderDraft {
  const { baseUrl, credentials, label } = providerKind(type)
  const more = taken.includes(type)
    ? [...taken.keys()].map((at) => at + 2).find((number) => !taken.includes(`${type}-${number}`))
    : undefined
  return {
    type,
    name: more === undefined ? type : `${type}-${more}`,
    display_name: more === undefined ? label : `${label} ${more}`,
    icon: '',
    base_url: baseUrl,
    enabled: true,
    keys: credentials === 'keys' ? [{ key: 0, text: '' }] : [],
    aws: AWS,
  }
}

export function providerDraft(provider: AIProvider): ProviderDraft {
  const { settings } = provider
  return {
    type: provider.type,
    name: provider.name,
    display_name: provider.display_name,
    icon: provider.icon,
    base_url: provider.base_url,
    enabled: provider.enabled,
    keys: provider.api_keys.map(({ id, masked, created_at: created }, key) => ({ key, id, masked, created })),
    aws: {
      protocol: settings?.protocol === 'mantle' ? 'mantle' : 'invoke-model',
      region: settings?.region ?? '',
      model: settings?.model ?? '',
      small_fast_model: settings?.small_fast_model ?? '',
      access_key: '',
      access_key_secret: '',
      role_arn: settings?.role_arn ?? '',
    },
  }
}

function settingsOf({ aws }: ProviderDraft, stored?: AIProvider): AIProviderSettings {
  const external = stored?.settings?.external_id
  return {
    _type: 'bedrock',
    _version: 1,
    protocol: aws.protocol,
    region: aws.region.trim(),
    ...(aws.protocol === 'invoke-model'
      ? { model: aws.model.trim(), small_fast_model: aws.small_fast_model.trim() }
      : {}),
    ...(aws.access_key === '' ? {} : { access_key: aws.access_key.trim() }),
    ...(aws.access_key_secret === '' ? {} : { access_key_secret: aws.access_key_secret.trim() }),
    ...(aws.role_arn.trim() === '' ? {} : { role_arn: aws.role_arn.trim() }),
    ...(external === undefined ? {} : { external_id: external }),
  }
}

/** What is sent to make one. */
export function providerCreation(draft: ProviderDraft): CreateAIProviderRequest {
  const { credentials } = providerKind(draft.type)
  const keys = draft.keys.flatMap((key) => ('text' in key && key.text.trim() !== '' ? [key.text.trim()] : []))
  return {
    type: draft.type,
    name: draft.name.trim(),
    display_name: draft.display_name.trim(),
    icon: draft.icon.trim(),
    base_url: draft.base_url.trim(),
    enabled: draft.enabled,
    ...(credentials === 'keys' && keys.length > 0 ? { api_keys: keys } : {}),
    ...(credentials === 'aws' ? { settings: settingsOf(draft) } : {}),
  }
}

/** What is sent to change one: of the keys the set that results, and only when it is another one (AG-100). */
export function providerChange(draft: ProviderDraft, stored: AIProvider): UpdateAIProviderRequest {
  const { credentials } = providerKind(draft.type)
  const keys = draft.keys.flatMap((key): AIProviderKeyMutation[] =>
    'id' in key ? [{ id: key.id }] : key.text.trim() === '' ? [] : [{ api_key: key.text.trim() }],
  )
  const same = keys.length === stored.api_keys.length && keys.every((key) => 'id' in key)
  return {
    display_name: draft.display_name.trim(),
    icon: draft.icon.trim(),
    base_url: draft.base_url.trim(),
    enabled: draft.enabled,
    ...(credentials === 'keys' && !same ? { api_keys: keys } : {}),
    ...(credentials === 'aws' ? { settings: settingsOf(draft, stored) } : {}),
  }
}

/** Whether saving would change something. */
export function isSameProvider(one: ProviderDraft, other: ProviderDraft): boolean {
  const sent = (draft: ProviderDraft) =>
    JSON.stringify([providerCreation(draft), draft.keys.flatMap((key) => ('id' in key ? [key.id] : []))])
  return sent(one) === sent(other)
}

/** Fields without which there is no provider, with what is said about each that is empty. */
export function providerFaults(draft: ProviderDraft): Readonly<Record<string, string>> {
  const { credentials } = providerKind(draft.type)
  const faults: Record<string, string> = {}
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(draft.name.trim()))
    faults.name = 'Lower-case letters, digits and single dashes.'
  if (!/^https?:\/\/[^\s/]+/.test(draft.base_url.trim()))
    faults.base_url = 'An address that begins with https:// or http://.'
  if (credentials === 'aws') {
    if (draft.aws.region.trim() === '') faults.region = 'The region of AWS, such as eu-central-1.'
    if (draft.aws.protocol === 'invoke-model') {
      if (draft.aws.model.trim() === '') faults.model = 'The model that requests are answered by.'
      if (draft.aws.small_fast_model.trim() === '') faults.small_fast_model = 'The model for small requests.'
    }
  }
  return faults
}
