import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { type NewPrice, upsertPrices } from '../store/prices.ts'

const actor = systemActor('aibridged', 'prices that the release knows are stored at the start')

type Entry = readonly [
  models: readonly string[],
  input: number,
  output: number,
  cacheRead: number,
  cacheWrite: number | null,
]

/**
 * List prices in dollars for a million tokens; null where there is none. A model is there by its dated names too: whoever
 * asks for one of those must not get it for nothing.
 */
const OPENAI: readonly Entry[] = [
  [['gpt-5.2', 'gpt-5.2-2025-12-11', 'gpt-5.2-chat-latest', 'gpt-5.2-codex'], 1.75, 14, 0.175, null],
  // The pro models give no discount for what is cached.
  [['gpt-5.2-pro', 'gpt-5.2-pro-2025-12-11'], 21, 168, 21, null],
  [
    [
      'gpt-5.1',
      'gpt-5.1-2025-11-13',
      'gpt-5.1-chat-latest',
      'gpt-5.1-codex',
      'gpt-5.1-codex-max',
      'gpt-5',
      'gpt-5-2025-08-07',
      'gpt-5-chat-latest',
      'gpt-5-codex',
    ],
    1.25,
    10,
    0.125,
    null,
  ],
  [['gpt-5-mini', 'gpt-5-mini-2025-08-07', 'gpt-5.1-codex-mini'], 0.25, 2, 0.025, null],
  [['gpt-5-nano', 'gpt-5-nano-2025-08-07'], 0.05, 0.4, 0.005, null],
  [['gpt-5-pro', 'gpt-5-pro-2025-10-06'], 15, 120, 15, null],
  [['gpt-4.1', 'gpt-4.1-2025-04-14'], 2, 8, 0.5, null],
  [['gpt-4.1-mini', 'gpt-4.1-mini-2025-04-14'], 0.4, 1.6, 0.1, null],
  [['gpt-4.1-nano', 'gpt-4.1-nano-2025-04-14'], 0.1, 0.4, 0.025, null],
  [['gpt-4o', 'gpt-4o-2024-11-20', 'gpt-4o-2024-08-06'], 2.5, 10, 1.25, null],
  [['gpt-4o-mini', 'gpt-4o-mini-2024-07-18'], 0.15, 0.6, 0.075, null],
  [['o3', 'o3-2025-04-16'], 2, 8, 0.5, null],
  [['o3-pro', 'o3-pro-2025-06-10'], 20, 80, 20, null],
  [['o4-mini', 'o4-mini-2025-04-16'], 1.1, 4.4, 0.275, null],
  [['o3-mini', 'o3-mini-2025-01-31'], 1.1, 4.4, 0.55, null],
  [['codex-mini-latest'], 1.5, 6, 0.375, null],
]
const ANTHROPIC: readonly Entry[] = [
  [['claude-opus-4-6', 'claude-opus-4-5', 'claude-opus-4-5-20251101'], 5, 25, 0.5, 6.25],
  [
    ['claude-opus-4-1', 'claude-opus-4-1-20250805', 'claude-opus-4-0', 'claude-opus-4-20250514'],
    15,
    75,
    1.5,
    18.75,
  ],
  [
    [
      'claude-sonnet-4-6',
      'claude-sonnet-4-5',
      'claude-sonnet-4-5-20250929',
      'claude-sonnet-4-0',
      'claude-sonnet-4-20250514',
      'claude-3-7-sonnet-latest',
      'claude-3-7-sonnet-20250219',
    ],
    3,
    15,
    0.3,
    3.75,
  ],
  [['claude-haiku-4-5', 'claude-haiku-4-5-20251001'], 1, 5, 0.1, 1.25],
  [['claude-3-5-haiku-latest', 'claude-3-5-haiku-20241022'], 0.8, 4, 0.08, 1],
]
const GOOGLE: readonly Entry[] = [
  [['gemini-3-pro-preview', 'gemini-3.1-pro-preview'], 2, 12, 0.2, null],
  [['gemini-3-flash-preview'], 0.5, 3, 0.05, null],
  [['gemini-2.5-pro'], 1.25, 10, 0.125, null],
  [['gemini-2.5-flash'], 0.3, 2.5, 0.03, null],
  [['gemini-2.5-flash-lite'], 0.1, 0.4, 0.01, null],
]
/** Inference profiles of Bedrock, for the whole world. */
const BEDROCK: readonly Entry[] = [
  [['global.anthropic.claude-opus-4-5-20251101-v1:0'], 5, 25, 0.5, 6.25],
  [
    ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'global.anthropic.claude-sonnet-4-20250514-v1:0'],
    3,
    15,
    0.3,
    3.75,
  ],
  [['global.anthropic.claude-haiku-4-5-20251001-v1:0'], 1, 5, 0.1, 1.25],
]

const MICROS = 1_000_000

function prices(
  provider: NewPrice['provider'],
  entries: readonly Entry[],
  modelOf = (model: string): string => model,
): NewPrice[] {
  const micros = (dollars: number): number => Math.round(dollars * MICROS)
  return entries.flatMap(([models, input, output, cacheRead, cacheWrite]) =>
    models.map((model) => ({
      provider,
      model: modelOf(model),
      input_price: micros(input),
      output_price: micros(output),
      cache_read_price: micros(cacheRead),
      cache_write_price: cacheWrite === null ? null : micros(cacheWrite),
    })),
  )
}

/** The prices that this release knows; deployments put theirs in their place (AG-108). */
const PRICE_BOOK: readonly NewPrice[] = [
  ...prices('openai', OPENAI),
  ...prices('azure', OPENAI),
  ...prices('anthropic', ANTHROPIC),
  ...prices('google', GOOGLE),
  ...prices('bedrock', BEDROCK),
  // Such a provider may have the settings of Bedrock, and its models then.
  ...prices('anthropic', BEDROCK),
  // Resellers name the maker with the model, and take its price.
  ...(['openrouter', 'vercel'] as const).flatMap((reseller) => [
    ...prices(reseller, OPENAI, (model) => `openai/${model}`),
    ...prices(reseller, GOOGLE, (model) => `google/${model}`),
    ...prices(reseller, ANTHROPIC, (model) => `anthropic/${model.replace(/-(\d+)-(\d{1,2})$/, '-$1.$2')}`),
  ]),
]

/** Models whose prices this release knows. */
export const MODELS_IN_PRICE_BOOK: ReadonlySet<string> = new Set(PRICE_BOOK.map(({ model }) => model))

/** Stores the prices that this release knows; those of models that it no longer knows stay (AG-108). */
export async function applyPriceBook({ database }: Pick<AppContext, 'database'>): Promise<void> {
  await upsertPrices(actor, database.db, 'default', unique(PRICE_BOOK))
}

function unique(all: readonly NewPrice[]): NewPrice[] {
  return [...new Map(all.map((price) => [`${price.provider} ${price.model}`, price])).values()]
}
