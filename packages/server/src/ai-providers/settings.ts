import type { AIProviderSettings, AIProviderType } from '@slipway/contract'

/** How Bedrock is spoken to: its own API, or the one of Anthropic (AG-47, AG-48). */
export type BedrockProtocol = 'invoke-model' | 'mantle'

/** What a provider needs to be used through AWS (AG-105); texts are empty where nothing is set. */
export interface BedrockSettings {
  readonly region: string
  /** Stands for all large models, and for all small ones. */
  readonly model: string
  readonly smallFastModel: string
  readonly accessKey: string
  readonly accessKeySecret: string
  readonly roleArn: string
  readonly externalId: string
  readonly protocol: BedrockProtocol
}

/** Whether requests are signed for AWS rather than given a key (chapter 05 section 6.5). */
export function usesBedrock(type: AIProviderType, settings: BedrockSettings | undefined): boolean {
  if (type === 'bedrock') return true
  if (type !== 'anthropic' || settings === undefined) return false
  const { region, roleArn, accessKey, accessKeySecret } = settings
  return [region, roleArn, accessKey, accessKeySecret].some((value) => value !== '')
}

/** Settings as they are sealed. */
export function writeSettings(settings: BedrockSettings): string {
  return JSON.stringify({ ...present(settings), ...secretsOf(settings) })
}

/** What {@link writeSettings} gave. @throws Error for anything else. */
export function readSettings(text: string): BedrockSettings {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error('stored settings are no object')
  const texts = new Map(Object.entries(value))
  const read = (name: string): string => {
    const found: unknown = texts.get(name)
    return typeof found === 'string' ? found : ''
  }
  return {
    region: read('region'),
    model: read('model'),
    smallFastModel: read('small_fast_model'),
    accessKey: read('access_key'),
    accessKeySecret: read('access_key_secret'),
    roleArn: read('role_arn'),
    externalId: read('external_id'),
    protocol: read('protocol') === 'mantle' ? 'mantle' : 'invoke-model',
  }
}

/** Settings without their secrets (AG-99). */
export function presentSettings(settings: BedrockSettings): AIProviderSettings {
  return present(settings)
}

function present(settings: BedrockSettings): AIProviderSettings {
  const { region, model, smallFastModel, roleArn, externalId, protocol } = settings
  return {
    _type: 'bedrock',
    _version: 1,
    region,
    model,
    small_fast_model: smallFastModel,
    role_arn: roleArn,
    external_id: externalId,
    protocol,
  }
}

/** What {@link presentSettings} leaves out. */
export function secretsOf({ accessKey, accessKeySecret }: BedrockSettings): AIProviderSettings {
  return { access_key: accessKey, access_key_secret: accessKeySecret }
}
