import { type Member, readMembers } from './indexed.ts'
import type { Environment, Indexed } from './option.ts'
import { url, type ValueType } from './value-type.ts'

/** A model provider that is made at the first start (AG §3). */
export interface AiProviderSeed {
  /** What the names of its variables begin with. */
  readonly label: string
  readonly type: string
  readonly name: string
  readonly keys: readonly string[]
  readonly baseUrl: string
  readonly bedrockBaseUrl: string
  readonly bedrockRegion: string
  readonly bedrockAccessKeys: readonly string[]
  readonly bedrockAccessKeySecrets: readonly string[]
  readonly bedrockModel: string
  readonly bedrockSmallFastModel: string
}

type Seeds = readonly AiProviderSeed[]

const PREFIXES = ['CODER_AI_GATEWAY_PROVIDER_', 'CODER_AIBRIDGE_PROVIDER_'] as const
const TYPES = [
  'openai',
  'anthropic',
  'azure',
  'bedrock',
  'google',
  'openai-compat',
  'openrouter',
  'vercel',
  'copilot',
]
const MAX_KEYS = 5
const FIELDS: ReadonlySet<string> = new Set([
  'TYPE',
  'NAME',
  'KEY',
  'KEYS',
  'BASE_URL',
  'BEDROCK_BASE_URL',
  'BEDROCK_REGION',
  'BEDROCK_ACCESS_KEY',
  'BEDROCK_ACCESS_KEYS',
  'BEDROCK_ACCESS_KEY_SECRET',
  'BEDROCK_ACCESS_KEY_SECRETS',
  'BEDROCK_MODEL',
  'BEDROCK_SMALL_FAST_MODEL',
])

const address = url('http', 'https')

/** A provider from the texts of its keys; every fault gets a line that begins with `label`. */
function build(member: Member, label: string, problems: string[]): AiProviderSeed {
  const fault = (problem: string) => problems.push(`${label}: ${problem}`)
  const text = (key: string) => member.get(key) ?? ''
  const many = (key: string) => {
    if (member.has(key) && member.has(`${key}S`)) fault(`give ${key} or ${key}S, not both`)
    return (member.get(`${key}S`) ?? text(key))
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
  }
  const link = (key: string) => {
    const parsed = address.parse(text(key))
    if (!parsed.ok) fault(`${key} ${parsed.problem}`)
    return parsed.ok ? parsed.value : ''
  }
  const seed: AiProviderSeed = {
    label,
    type: text('TYPE'),
    name: text('NAME') || text('TYPE'),
    keys: many('KEY'),
    baseUrl: link('BASE_URL'),
    bedrockBaseUrl: link('BEDROCK_BASE_URL'),
    bedrockRegion: text('BEDROCK_REGION'),
    bedrockAccessKeys: many('BEDROCK_ACCESS_KEY'),
    bedrockAccessKeySecrets: many('BEDROCK_ACCESS_KEY_SECRET'),
    bedrockModel: text('BEDROCK_MODEL'),
    bedrockSmallFastModel: text('BEDROCK_SMALL_FAST_MODEL'),
  }
  if (!TYPES.includes(seed.type)) fault(`TYPE must be one of ${TYPES.join(', ')}`)
  else if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(seed.name))
    fault('NAME may hold lower-case letters, digits and single dashes only')
  if (seed.keys.length > MAX_KEYS) fault(`KEYS must be ${MAX_KEYS} at most`)
  if (new Set(seed.keys).size < seed.keys.length) fault('KEYS must not repeat a key')
  if (seed.bedrockAccessKeys.length !== seed.bedrockAccessKeySecrets.length)
    fault('BEDROCK_ACCESS_KEYS and BEDROCK_ACCESS_KEY_SECRETS must be equally many')
  return seed
}

/** Wire form; it has no key (OP-11). */
function toJson(seed: AiProviderSeed) {
  return {
    type: seed.type,
    name: seed.name,
    base_url: address.toJson(seed.baseUrl),
    bedrock_region: seed.bedrockRegion,
    bedrock_model: seed.bedrockModel,
    bedrock_small_fast_model: seed.bedrockSmallFastModel,
  }
}

const type: ValueType<Seeds> = {
  kind: 'structured',
  parse: (text) =>
    text === '' || text === '[]'
      ? { ok: true, value: [] }
      : { ok: false, problem: 'must be given as CODER_AI_GATEWAY_PROVIDER_<N>_… variables' },
  append: (earlier, later) => [...earlier, ...later],
  format: (value) => JSON.stringify(value.map(toJson)),
  toJson: (value) => value.map(toJson),
  holds: (value): value is Seeds =>
    Array.isArray(value) &&
    value.every((entry: unknown) => typeof entry === 'object' && entry !== null && 'keys' in entry),
}

/** Reads `CODER_AI_GATEWAY_PROVIDER_<N>_…`, or the former `CODER_AIBRIDGE_PROVIDER_<N>_…` (OP-8, AG-106). */
function indexed(environment: Environment): Indexed<Seeds> {
  const value: AiProviderSeed[] = []
  const problems: string[] = []
  const warnings: string[] = []
  let used: string | undefined
  for (const prefix of PREFIXES) {
    const family = readMembers(environment, prefix)
    problems.push(...family.problems)
    // The numbers of members after a gap would be wrong, so only the gap is reported.
    if (family.problems.length > 0) continue
    if (family.members.length > 0) {
      if (used !== undefined)
        problems.push(`${prefix}…: is the former name of ${used}…; use one of both for all providers`)
      used = prefix
    }
    for (const [index, member] of family.members.entries()) {
      for (const key of member.keys())
        if (!FIELDS.has(key)) warnings.push(`${prefix}${index}_${key} is not known and has no effect`)
      const seed = build(member, `${prefix}${index}`, problems)
      if (value.some(({ name }) => name === seed.name))
        problems.push(
          `${prefix}${index}: NAME ${JSON.stringify(seed.name)} is used twice; give one of them another`,
        )
      value.push(seed)
    }
  }
  return { found: value.length > 0, value, problems, warnings }
}

/** Model providers from indexed variables. */
export const aiProviders = { type, indexed }
