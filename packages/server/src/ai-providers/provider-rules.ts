import type {
  AIProviderSettings,
  AIProviderType,
  CreateAIProviderRequest,
  UpdateAIProviderRequest,
} from '@slipway/contract'
import { badRequest, type Validation } from '../errors/index.ts'
import type { BedrockProtocol, BedrockSettings } from './settings.ts'

/** Keys of one provider (AG-52). */
export const MAX_KEYS = 5

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const MAX_NAME = 64
/** Paths of the gateway itself have these names (AG-B19). */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'sessions',
  'models',
  'clients',
  'keys',
  'serve',
  'proxy',
  'interceptions',
])
const MAX_DISPLAY_NAME = 128
const MAX_URL = 2048
const MAX_KEY_BYTES = 10_240
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/

const TYPES: Readonly<Record<AIProviderType, true>> = {
  openai: true,
  anthropic: true,
  azure: true,
  bedrock: true,
  google: true,
  'openai-compat': true,
  openrouter: true,
  vercel: true,
  copilot: true,
}

/** Whether a text is the name of a type. */
export function isProviderType(type: string): type is AIProviderType {
  return Object.hasOwn(TYPES, type)
}

/** Whether a text may be the name of a provider. */
export function isProviderName(name: string): boolean {
  return name.length <= MAX_NAME && NAME.test(name)
}

/** Gathers what is wrong with a request, so that its answer names all of it. */
export class Faults {
  readonly #all: Validation[] = []

  add(field: string, detail: string): void {
    this.#all.push({ field, detail })
  }

  /** What was added first. */
  get first(): Validation | undefined {
    return this.#all[0]
  }

  /** @throws ApiError 400 when anything was added (AG-98). */
  check(): void {
    if (this.#all.length === 0) return
    throw badRequest('Invalid AI provider request.', {
      detail: this.#all.length === 1 ? this.#all[0]?.detail : undefined,
      validations: this.#all,
    })
  }
}

/** Looks at the type of a new provider; undefined when it is none. */
export function checkType(faults: Faults, type: string | undefined): AIProviderType | undefined {
  if (type !== undefined && isProviderType(type)) return type
  faults.add('type', `must be one of ${Object.keys(TYPES).join(', ')}`)
  return undefined
}

/** Looks at the name of a new provider (AG-98, AG-B19). */
export function checkName(faults: Faults, { name = '' }: Pick<CreateAIProviderRequest, 'name'>): void {
  if (!isProviderName(name))
    faults.add(
      'name',
      `must be 1 to ${MAX_NAME} lower-case letters and digits, with single hyphens between them`,
    )
  else if (RESERVED_NAMES.has(name)) faults.add('name', 'is reserved')
}

/** Looks at what may also change later; what is left out is right. */
export function checkFields(
  faults: Faults,
  given: Pick<UpdateAIProviderRequest, 'base_url' | 'display_name' | 'icon'>,
): void {
  const { base_url: baseUrl, display_name: displayName, icon } = given
  if (baseUrl !== undefined) checkBaseUrl(faults, baseUrl)
  if (displayName !== undefined && displayName.length > MAX_DISPLAY_NAME)
    faults.add('display_name', `must have at most ${MAX_DISPLAY_NAME} characters`)
  if (displayName?.includes('\0')) faults.add('display_name', 'must not hold a NUL character')
  if (icon !== undefined && (icon.length > MAX_URL || icon.includes('\0')))
    faults.add('icon', `must have at most ${MAX_URL} characters`)
}

/**
 * Any host will do, also one on this machine or in this network: administrators run models of their own. What keeps
 * others from reaching it through us is that only the paths of model APIs are relayed, and redirects never followed.
 */
function checkBaseUrl(faults: Faults, text: string): void {
  const url = URL.parse(text)
  if (text === '') faults.add('base_url', 'is required')
  else if (url === null || !/^https?:\/\/[^/?#]/i.test(text) || text.length > MAX_URL || /\s/.test(text))
    faults.add('base_url', 'must be an absolute http or https URL')
  else if (url.username !== '' || url.password !== '')
    faults.add('base_url', 'must not hold credentials; use api_keys')
  else if (url.search !== '' || url.hash !== '') faults.add('base_url', 'must not have a query or a fragment')
}

/** Looks at a key in the clear. */
export function checkKey(faults: Faults, field: string, key: string): void {
  if (key.trim() === '') faults.add(field, 'must not be empty')
  else if (key !== key.trim()) faults.add(field, 'must not have white space around it')
  else if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    faults.add(field, `must have at most ${MAX_KEY_BYTES} bytes`)
  else if (!/^[\x21-\x7e]+$/.test(key)) faults.add(field, 'must hold only printable ASCII characters')
}

/** Says that keys are given where none are taken (AG-101). */
export function refuseKeys(faults: Faults, type: AIProviderType): void {
  faults.add(
    'api_keys',
    type === 'copilot'
      ? 'Copilot providers do not accept api_keys; users bring their own credentials.'
      : 'Bedrock providers do not accept api_keys; give settings.access_key and settings.access_key_secret.',
  )
}

/** Whether providers of this type may have settings (AG-105). */
export function takesSettings(type: AIProviderType): boolean {
  return type === 'bedrock' || type === 'anthropic'
}

/**
 * The settings that a provider gets; undefined when they are wrong.
 *
 * @param before those that it has: secrets that are left out stay, and the external id is never changed (AG-105).
 */
export function checkSettings(
  faults: Faults,
  given: AIProviderSettings,
  before: BedrockSettings | undefined,
  newExternalId: () => string,
): BedrockSettings {
  const fault = (field: string, detail: string): void => faults.add(`settings.${field}`, detail)
  if (given._type !== 'bedrock') fault('_type', 'must be "bedrock"')
  if (given._version !== 1) fault('_version', 'must be 1')
  const protocol = protocolOf(given.protocol)
  if (protocol === undefined) fault('protocol', 'must be invoke-model or mantle')
  const settings: BedrockSettings = {
    region: given.region ?? '',
    model: given.model ?? '',
    smallFastModel: given.small_fast_model ?? '',
    accessKey: given.access_key ?? before?.accessKey ?? '',
    accessKeySecret: given.access_key_secret ?? before?.accessKeySecret ?? '',
    roleArn: given.role_arn ?? '',
    externalId: before?.externalId ?? '',
    protocol: protocol ?? 'invoke-model',
  }
  if (settings.protocol === 'mantle' && settings.region === '') fault('region', 'is required for mantle')
  if (settings.protocol === 'invoke-model') {
    if (settings.model === '') fault('model', 'is required for invoke-model')
    if (settings.smallFastModel === '') fault('small_fast_model', 'is required for invoke-model')
  }
  if (settings.region !== '' && !/^[a-z0-9-]{1,64}$/.test(settings.region))
    fault('region', 'must be the name of a region, such as us-east-1')
  if ((settings.accessKey === '') !== (settings.accessKeySecret === ''))
    fault('access_key', 'must be given together with access_key_secret')
  for (const [field, secret] of [
    ['access_key', settings.accessKey],
    ['access_key_secret', settings.accessKeySecret],
  ] as const)
    if (secret !== '' && !/^[\x21-\x7e]+$/.test(secret))
      fault(field, 'must hold only printable ASCII characters')
  if (settings.roleArn !== '' && !ROLE.test(settings.roleArn))
    fault('role_arn', 'must be the ARN of an IAM role')
  if (
    given.external_id !== undefined &&
    given.external_id !== '' &&
    given.external_id !== settings.externalId
  )
    fault('external_id', 'is set by the server')
  return settings.roleArn !== '' && settings.externalId === ''
    ? { ...settings, externalId: newExternalId() }
    : settings
}

function protocolOf(protocol: string | undefined): BedrockProtocol | undefined {
  switch (protocol) {
    case undefined:
    case '':
    case 'invoke-model':
      return 'invoke-model'
    case 'mantle':
      return 'mantle'
    default:
      return undefined
  }
}
