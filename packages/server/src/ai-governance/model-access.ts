import { ModelGlob } from './model-glob.ts'

/** What a token may do at the gateway (AG-B8); undefined is no limit. */
export interface KeyLimits {
  /** Names of providers. */
  readonly providers: readonly string[] | undefined
  /** Globs. */
  readonly models: readonly string[] | undefined
  readonly monthlySpendLimitMicros: number | undefined
  readonly requestsPerSecond: number | undefined
  readonly tokensPerMinute: number | undefined
}

/** Which models members of a group may use, compiled. */
export interface ModelPolicy {
  /** None allows every model, unless there is nothing but aliases: then others decide. */
  readonly allow: readonly ModelGlob[]
  readonly deny: readonly ModelGlob[]
  readonly aliases: ReadonlyMap<string, string>
}

/** Which models a request may ask for, and by which names (AG-B8, AG-B9). */
export interface ModelAccess {
  /** Whether there is a model that may not be used. */
  readonly isLimited: boolean
  /** Whether some names stand for other models. */
  readonly hasAliases: boolean
  /** The model that a name stands for: itself unless it is an alias. What an alias stands for is no alias again. */
  resolve(name: string): string
  /** Whether anything of a provider may be used. */
  allowsProvider(provider: string): boolean
  /** Whether a model may be used, named as {@link ModelAccess.resolve} gives it. */
  allows(provider: string, model: string): boolean
}

/** Of whom nothing limits. */
const EVERYTHING: ModelAccess = {
  isLimited: false,
  hasAliases: false,
  resolve: (name) => name,
  allowsProvider: () => true,
  allows: () => true,
}

/**
 * What users with these policies may ask with a token of these limits: what any policy allows and none denies, and the
 * token too. Of an alias that several policies have the first counts.
 */
export function modelAccess(policies: readonly ModelPolicy[], key: KeyLimits | undefined): ModelAccess {
  const providers = key?.providers === undefined ? undefined : new Set(key.providers)
  const models = key?.models?.map((pattern) => new ModelGlob(pattern))
  const deny = policies.flatMap((policy) => policy.deny)
  // One that only gives other names lifts nothing.
  const ruling = policies.filter(
    ({ allow, deny, aliases }) => allow.length > 0 || deny.length > 0 || aliases.size === 0,
  )
  // One that allows everything makes the others' lists pointless.
  const allow = ruling.some((policy) => policy.allow.length === 0)
    ? []
    : ruling.flatMap((policy) => policy.allow)
  const isLimited = providers !== undefined || models !== undefined || deny.length > 0 || allow.length > 0
  const hasAliases = policies.some(({ aliases }) => aliases.size > 0)
  if (!isLimited && !hasAliases) return EVERYTHING
  const allowsProvider = (provider: string): boolean => providers?.has(provider) ?? true
  const matchesAny = (globs: readonly ModelGlob[], provider: string, model: string): boolean =>
    globs.some((glob) => glob.matches(provider, model))
  return {
    isLimited,
    hasAliases,
    resolve: (name) => policies.find(({ aliases }) => aliases.has(name))?.aliases.get(name) ?? name,
    allowsProvider,
    allows: (provider, model) =>
      allowsProvider(provider) &&
      !matchesAny(deny, provider, model) &&
      (allow.length === 0 || matchesAny(allow, provider, model)) &&
      (models === undefined || matchesAny(models, provider, model)),
  }
}
