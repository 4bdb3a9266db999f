import { homedir } from 'node:os'
import path from 'node:path'

import type { Environment } from './option.ts'
import type { Config, Configuration } from './options.ts'

/** Applies options that act through others, and defaults that depend on others (OP-5, OP-14, OP-23). */
export function resolve({ config, sources }: Configuration, environment: Environment): Config {
  const given = (key: keyof Config) => {
    const source = sources.get(key)
    return source !== undefined && source !== 'default' && source !== ''
  }
  const listener =
    config.address === undefined
      ? {}
      : config.tlsEnable
        ? { tlsAddress: config.address }
        : { httpAddress: config.address }
  return {
    ...config,
    ...listener,
    redirectToAccessUrl: given('tlsRedirectHttpToHttps')
      ? config.redirectToAccessUrl || config.tlsRedirectHttpToHttps
      : config.redirectToAccessUrl,
    secureAuthCookie: given('secureAuthCookie')
      ? config.secureAuthCookie
      : config.accessUrl.startsWith('https://'),
    logFilter: config.verbose ? [...config.logFilter, '.*'] : config.logFilter,
    cacheDir: cacheDirectory(config.cacheDir, given('cacheDir'), environment),
  }
}

function cacheDirectory(value: string, given: boolean, environment: Environment): string {
  const ofSystemd = environment.CACHE_DIRECTORY ?? ''
  if (!given && ofSystemd !== '') return path.join(ofSystemd.split(':')[0] ?? '', 'slipway')
  return value.startsWith('~/') ? path.join(homedir(), value.slice(2)) : value
}
