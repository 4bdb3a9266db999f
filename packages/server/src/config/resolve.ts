import path from 'node:path'

import type { Environment } from './option.ts'
import type { Config, Configuration, ValueSource } from './options.ts'

const STRENGTH = { flag: 3, env: 2, yaml: 1, default: 0, '': 0 } as const satisfies Record<
  ValueSource,
  number
>

/**
 * Applies options that act through others, and defaults that depend on others (OP-5, OP-14, OP-23). An option
 * that another one set has the source of that one.
 */
export function resolve({ config, sources }: Configuration, environment: Environment): Configuration {
  const strength = (key: keyof Config) => STRENGTH[sources.get(key) ?? '']
  // Declared after what they replace, so they win where one source gives both (OP-5).
  const overrules = (old: keyof Config, present: keyof Config) =>
    strength(old) > 0 && strength(old) >= strength(present)
  const changed = new Map(sources)
  const takeSource = (present: keyof Config, old: keyof Config) =>
    changed.set(present, sources.get(old) ?? '')

  const listener = config.tlsEnable ? 'tlsAddress' : 'httpAddress'
  const moved = overrules('address', listener)
  if (moved) takeSource(listener, 'address')
  const redirected = overrules('tlsRedirectHttpToHttps', 'redirectToAccessUrl')
  if (redirected) takeSource('redirectToAccessUrl', 'tlsRedirectHttpToHttps')
  const all = config.logFilter.includes('.*')
  if (config.verbose && !all && strength('verbose') >= strength('logFilter'))
    takeSource('logFilter', 'verbose')
  return {
    config: {
      ...config,
      ...(moved ? { [listener]: config.address } : {}),
      redirectToAccessUrl: redirected ? config.tlsRedirectHttpToHttps : config.redirectToAccessUrl,
      secureAuthCookie:
        strength('secureAuthCookie') > 0 ? config.secureAuthCookie : config.accessUrl.startsWith('https:'),
      verbose: config.verbose || all,
      logFilter: config.verbose && !all ? [...config.logFilter, '.*'] : config.logFilter,
      cacheDir: cacheDirectory(config.cacheDir, strength('cacheDir') > 0, environment),
    },
    sources: changed,
  }
}

function cacheDirectory(value: string, given: boolean, environment: Environment): string {
  const ofSystemd = environment.CACHE_DIRECTORY ?? ''
  if (!given && ofSystemd !== '') return path.join(ofSystemd.split(':')[0] ?? '', 'slipway')
  return value
}
