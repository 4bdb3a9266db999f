import { type Actor, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type ProviderPlan, storePlan } from './manage-providers.ts'
import { checkFields, checkKey, checkName, checkSettings, Faults, isProviderType } from './provider-rules.ts'
import { openKey, openSettings } from './sealed.ts'
import { type BedrockSettings, presentSettings, secretsOf, usesBedrock } from './settings.ts'
import { findProvider, listDeletedNames, lockSeeding, type ProviderWithKeys } from './store/providers.ts'

type Config = AppContext['config']
type Seed = Config['aiGatewayProviders'][number]

/** Where a type is found when nobody says where; others must be told. */
const DEFAULT_URLS: Readonly<Record<string, string>> = {
  openai: 'https://api.openai.com/v1/',
  anthropic: 'https://api.anthropic.com/',
  google: 'https://generativelanguage.googleapis.com/v1beta/openai/',
  openrouter: 'https://openrouter.ai/api/v1/',
  vercel: 'https://ai-gateway.vercel.sh/v1/',
  copilot: 'https://api.githubcopilot.com/',
}

/**
 * Makes the providers that the configuration names and that were never there (AG-106). What is stored wins over time:
 * one that an administrator has deleted stays deleted, and one that was changed must be changed in the configuration too.
 *
 * @throws Error for the operator, for one that is stored and differs, or that is not complete.
 */
export async function seedProviders(context: AppContext): Promise<void> {
  const plans = seedPlans(context.config)
  if (plans.length === 0) return
  const actor = systemActor(
    'system_restricted',
    'providers that the configuration names are made before anybody can sign in',
  )
  await context.database.transaction(async (tx) => {
    await lockSeeding(actor, tx)
    const deleted = await listDeletedNames(actor, tx)
    for (const plan of plans) await seed(context, actor, tx, plan, deleted)
  })
}

async function seed(
  context: AppContext,
  actor: Actor,
  tx: AppContext['database']['db'],
  plan: ProviderPlan,
  deleted: ReadonlySet<string>,
): Promise<void> {
  const stored = await findProvider(actor, tx, { name: plan.name })
  if (stored !== undefined) {
    const difference = differenceOf(context, stored, plan)
    if (difference === undefined) return
    throw new Error(
      `AI provider ${JSON.stringify(plan.name)}: its ${difference} in the configuration is not the stored one; ` +
        'change the provider on the dashboard and the configuration alike, or take it out of the configuration',
    )
  }
  if (deleted.has(plan.name)) {
    context.log.warn(
      'an AI provider of the configuration stays deleted, because an administrator deleted it',
      {
        provider: plan.name,
      },
    )
    return
  }
  await storePlan(context, actor, tx, plan)
  context.log.info('an AI provider of the configuration was made', { provider: plan.name })
}

/** What of a stored provider is not as the configuration says; models and the order of keys do not count (AG-106). */
function differenceOf(
  context: AppContext,
  { row, keys }: ProviderWithKeys,
  plan: ProviderPlan,
): string | undefined {
  if (row.type !== plan.type) return 'type'
  if (row.base_url.replace(/\/$/, '') !== plan.baseUrl.replace(/\/$/, '')) return 'base URL'
  const stored = openSettings(context, row)
  if ((stored?.region ?? '') !== (plan.settings?.region ?? '')) return 'Bedrock region'
  const credentials = (all: readonly string[], settings: BedrockSettings | undefined): string =>
    JSON.stringify([[...all].sort(), settings?.accessKey ?? '', settings?.accessKeySecret ?? ''])
  const opened = keys.map((key) => openKey(context, key))
  return credentials(opened, stored) === credentials(plan.keys, plan.settings)
    ? undefined
    : 'set of credentials'
}

/** The providers that the configuration names, its own ones and the indexed ones. @throws Error for the operator. */
function seedPlans(config: Config): ProviderPlan[] {
  const plans = [...singlePlans(config), ...config.aiGatewayProviders.map(indexedPlan)]
  const names = new Set<string>()
  for (const { name } of plans) {
    if (names.has(name))
      throw new Error(
        `AI provider ${JSON.stringify(name)} is configured twice; give one of them another name`,
      )
    names.add(name)
  }
  return plans
}

/** The providers of the options that there is only one of. */
function singlePlans(config: Config): ProviderPlan[] {
  const plans: ProviderPlan[] = []
  const named = (name: 'openai' | 'anthropic', baseUrl: string, key: string, settings?: BedrockSettings) =>
    plans.push(
      checked(
        {
          type: name,
          name,
          displayName: name,
          icon: '',
          enabled: true,
          baseUrl,
          keys: key === '' ? [] : [key],
          settings,
        },
        (field) => flagOf(settings === undefined ? name : 'bedrock', field),
      ),
    )
  if (config.aiGatewayOpenaiKey !== '')
    named('openai', config.aiGatewayOpenaiBaseUrl, config.aiGatewayOpenaiKey)
  const bedrock: BedrockSettings = {
    region: config.aiGatewayBedrockRegion,
    model: config.aiGatewayBedrockModel,
    smallFastModel: config.aiGatewayBedrockSmallFastModel,
    accessKey: config.aiGatewayBedrockAccessKey,
    accessKeySecret: config.aiGatewayBedrockAccessKeySecret,
    roleArn: '',
    externalId: '',
    protocol: 'invoke-model',
  }
  const throughBedrock = usesBedrock('anthropic', bedrock) || config.aiGatewayBedrockBaseUrl !== ''
  if (throughBedrock && config.aiGatewayAnthropicKey !== '')
    throw new Error(
      '--ai-gateway-anthropic-key cannot be combined with the --ai-gateway-bedrock-… options; leave one out',
    )
  if ((bedrock.accessKey === '') !== (bedrock.accessKeySecret === ''))
    throw new Error(
      '--ai-gateway-bedrock-access-key goes with --ai-gateway-bedrock-access-key-secret; set both or none',
    )
  if (throughBedrock)
    named('anthropic', config.aiGatewayBedrockBaseUrl || bedrockUrl(bedrock.region), '', bedrock)
  else if (config.aiGatewayAnthropicKey !== '')
    named('anthropic', config.aiGatewayAnthropicBaseUrl, config.aiGatewayAnthropicKey)
  return plans
}

/** The option of which a part of one of those providers is made. */
function flagOf(provider: 'openai' | 'anthropic' | 'bedrock', field: string): string {
  switch (field) {
    case 'keys':
      return `--ai-gateway-${provider}-key`
    case 'settings.small_fast_model':
      return '--ai-gateway-bedrock-small-fastmodel'
    default:
      return `--ai-gateway-${provider}-${field.replace('settings.', '').replaceAll('_', '-')}`
  }
}

function bedrockUrl(region: string): string {
  return `https://bedrock-runtime.${region === '' ? 'us-east-1' : region}.amazonaws.com`
}

function indexedPlan(given: Seed): ProviderPlan {
  const { type, name } = given
  const fault = (problem: string): Error => new Error(`AI provider ${JSON.stringify(name)}: ${problem}`)
  if (!isProviderType(type)) throw fault(`${JSON.stringify(type)} is no type of provider`)
  const settings = indexedSettings(given, fault)
  if (settings !== undefined && given.keys.length > 0)
    throw fault('KEY and KEYS cannot be combined with Bedrock; leave one out')
  if (type === 'copilot' && given.keys.length > 0)
    throw fault('takes no KEY: users bring their own credentials')
  const baseUrl =
    settings === undefined
      ? given.baseUrl || DEFAULT_URLS[type]
      : given.bedrockBaseUrl || given.baseUrl || bedrockUrl(settings.region)
  if (baseUrl === undefined) throw fault(`BASE_URL is needed for the type ${type}`)
  return checked(
    {
      type,
      name,
      displayName: name,
      icon: '',
      enabled: true,
      baseUrl,
      keys: given.keys,
      settings,
    },
    (field) => `${given.label}_${field.replace('settings.', 'bedrock_').toUpperCase()}`,
  )
}

/**
 * A plan that follows the rules of those that administrators make (AG-98, AG-105, AG-B19).
 *
 * @param sourceOf what a part of it was configured with.
 * @throws Error for the operator.
 */
function checked(plan: ProviderPlan, sourceOf: (field: string) => string): ProviderPlan {
  const faults = new Faults()
  checkName(faults, plan)
  for (const key of plan.keys) checkKey(faults, 'keys', key)
  if (plan.settings !== undefined)
    checkSettings(
      faults,
      { ...presentSettings(plan.settings), ...secretsOf(plan.settings) },
      undefined,
      () => '',
    )
  // Behind the region, which an address of Bedrock holds.
  checkFields(faults, { base_url: plan.baseUrl })
  if (faults.first === undefined) return plan
  const { field, detail } = faults.first
  throw new Error(`AI provider ${JSON.stringify(plan.name)}: ${sourceOf(field)} ${detail}`)
}

function indexedSettings(given: Seed, fault: (problem: string) => Error): BedrockSettings | undefined {
  const fields = [
    given.bedrockBaseUrl,
    given.bedrockRegion,
    given.bedrockModel,
    given.bedrockSmallFastModel,
    ...given.bedrockAccessKeys,
    ...given.bedrockAccessKeySecrets,
  ]
  if (given.type !== 'bedrock' && fields.every((field) => field === '')) return undefined
  if (given.type !== 'bedrock' && given.type !== 'anthropic')
    throw fault(`BEDROCK_… is not for the type ${given.type}`)
  if (given.bedrockAccessKeys.length > 1) throw fault('BEDROCK_ACCESS_KEYS may hold one key')
  return {
    region: given.bedrockRegion,
    model: given.bedrockModel || 'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
    smallFastModel: given.bedrockSmallFastModel || 'global.anthropic.claude-haiku-4-5-20251001-v1:0',
    accessKey: given.bedrockAccessKeys[0] ?? '',
    accessKeySecret: given.bedrockAccessKeySecrets[0] ?? '',
    roleArn: '',
    externalId: '',
    protocol: 'invoke-model',
  }
}
