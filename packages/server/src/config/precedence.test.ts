import { homedir } from 'node:os'
import path from 'node:path'

import { expect, it } from 'vitest'

import { refusal, start } from './testing.ts'

const yaml = 'networking:\n  http:\n    sessionDuration: 3h\n'
const env = { CODER_SESSION_DURATION: '2h' }
const argv = ['--session-duration', '1h']
const hours = (count: number) => count * 3_600_000

it('OP-1: a flag wins over a variable, a variable over the file, the file over the default', () => {
  const seen = [{ argv, env, yaml }, { env, yaml }, { yaml }, {}].map((given) => {
    const { config, sources } = start(given)
    return [config.sessionDuration, sources.get('sessionDuration')]
  })
  expect(seen).toEqual([
    [hours(1), 'flag'],
    [hours(2), 'env'],
    [hours(3), 'yaml'],
    [hours(24), 'default'],
  ])
})

it('OP-1: an option that nobody gave and that has no default has the empty source', () => {
  expect(start({}).sources.get('accessUrl')).toBe('')
})

it('OP-1: the file is named by flag or variable, and the flag wins', () => {
  const files = { a: 'updateCheck: false\n', b: 'enableSwagger: true\n' }
  const byVariable = start({ env: { CODER_CONFIG_PATH: 'a' }, files })
  expect([byVariable.config.updateCheck, byVariable.config.swaggerEnable]).toEqual([false, false])
  const byFlag = start({ argv: ['-c', 'b'], env: { CODER_CONFIG_PATH: 'a' }, files })
  expect([byFlag.config.updateCheck, byFlag.config.swaggerEnable]).toEqual([true, true])
})

it('OP-1: a file that cannot be read refuses the start, naming what named it and the file', () => {
  expect(refusal({ argv: ['--config=gone.yaml'] })).toEqual([
    expect.stringMatching(/^--config: the file gone\.yaml cannot be read \(ENOENT/),
  ])
  expect(refusal({ env: { CODER_CONFIG_PATH: 'gone.yaml' } })).toEqual([
    expect.stringMatching(/^CODER_CONFIG_PATH: the file gone\.yaml cannot be read/),
  ])
})

it('OP-2: an empty variable counts as unset', () => {
  const { config, sources } = start({ env: { CODER_HTTP_ADDRESS: '', CODER_SESSION_DURATION: '' }, yaml })
  expect(config.httpAddress).toEqual({ host: '127.0.0.1', port: 3000 })
  expect(sources.get('httpAddress')).toBe('default')
  expect(sources.get('sessionDuration')).toBe('yaml')
})

it('OP-2: the name with HOMEBREW_ is tried when the variable is absent, not when it is empty', () => {
  const homebrew = { HOMEBREW_CODER_SESSION_DURATION: '5h' }
  expect(start({ env: homebrew }).config.sessionDuration).toBe(hours(5))
  expect(start({ env: { ...homebrew, ...env } }).config.sessionDuration).toBe(hours(2))
  expect(start({ env: { ...homebrew, CODER_SESSION_DURATION: '' } }).config.sessionDuration).toBe(hours(24))
  expect(refusal({ env: { HOMEBREW_CODER_SESSION_DURATION: 'soon' } })[0]).toMatch(
    /^HOMEBREW_CODER_SESSION_DURATION: /,
  )
})

it('OP-1: the cookie is secure with an https access URL unless that is said otherwise', () => {
  const secure = (...flags: string[]) => start({ argv: flags }).config.secureAuthCookie
  expect(secure('--access-url=https://a.example')).toBe(true)
  expect(secure('--access-url=HTTPS://a.example')).toBe(true)
  expect(secure('--access-url=http://a.example')).toBe(false)
  expect(secure('--access-url=https://a.example', '--secure-auth-cookie=false')).toBe(false)
})

it('OP-1: folders may begin with the home folder', () => {
  const { config } = start({ env: { CODER_CONFIG_DIR: '~/slipway' } })
  expect(config.configDir).toBe(path.join(homedir(), 'slipway'))
  expect(config.cacheDir).toBe(path.join(homedir(), '.cache', 'slipway'))
})

it('OP-1: under systemd the cache folder is the one that it made, unless one is given', () => {
  expect(start({ env: { CACHE_DIRECTORY: '/var/cache/x:/var/cache/y' } }).config.cacheDir).toBe(
    '/var/cache/x/slipway',
  )
  expect(start({ argv: ['--cache-dir=/c'], env: { CACHE_DIRECTORY: '/var/cache/x' } }).config.cacheDir).toBe(
    '/c',
  )
})
