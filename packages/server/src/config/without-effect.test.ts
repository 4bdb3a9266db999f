import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { deploymentConfig } from './deployment-config.ts'
import { optionEntries } from './options.ts'
import { printed, start } from './testing.ts'
import { describe as describeOption, withoutEffect } from './without-effect.ts'

/** Options whose effect the scan cannot see. */
const SEEN_ELSEWHERE = [
  // Names the file before there is a configuration.
  'configPath',
  // Decides which suites the others may name.
  'tlsAllowInsecureCiphers',
]

const sources = fileURLToPath(new URL('..', import.meta.url))

/** Keys of options that the sources outside this folder read from a `config`. */
function keysRead(): ReadonlySet<string> {
  const keys = new Set(optionEntries.map(([key]) => key))
  const found = new Set<string>()
  const note = (key: string) => keys.has(key) && found.add(key)
  for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.startsWith(`config${path.sep}`)) continue
    const text = readFileSync(path.join(sources, file), 'utf8')
    for (const [, key = ''] of text.matchAll(/\bconfig\s*\??\.\s*(\w+)/g)) note(key)
    for (const [, names = ''] of text.matchAll(
      /\{([^{}]*)\}\s*(?::\s*[\w<>' |]+)?=\s*[\w.#]*\bconfig\b(?!\s*\.)/g,
    ))
      for (const name of names.split(',')) note(name.split(':')[0]?.trim() ?? '')
  }
  return found
}

describe('OP-3: options without effect', () => {
  it('are listed, and only they: an option that something reads is not on the list', () => {
    const read = keysRead()
    const unread = optionEntries
      .filter(([, of]) => of.useInstead === undefined && of.inert === undefined && of.instruction !== true)
      .map(([key]) => key)
      .filter((key) => !read.has(key) && !SEEN_ELSEWHERE.includes(key))
    const listed: readonly string[] = withoutEffect
    expect(
      {
        readButListed: listed.filter((key) => read.has(key)),
        unreadAndNotListed: unread.filter((key) => !listed.includes(key)),
      },
      'bring config/without-effect.ts into line with what the server reads',
    ).toEqual({ readButListed: [], unreadAndNotListed: [] })
    expect(new Set(listed).size).toBe(listed.length)
    expect(listed.filter((key) => !unread.includes(key))).toEqual([])
  })

  it('print one warning when a flag or a variable gives them a value', () => {
    const line = '--swagger-enable: has no effect in this version'
    expect(start({ argv: ['--swagger-enable'] }).warnings.filter((warning) => warning === line)).toHaveLength(
      1,
    )
    expect(start({ env: { CODER_SWAGGER_ENABLE: 'false' } }).warnings).toContain(line)
    expect(start({}).warnings).not.toContain(line)
    expect(start({ argv: ['--session-duration=1h'] }).warnings.join()).not.toContain('has no effect')
  })

  it('print one when a file gives them another value than the default', () => {
    const line = '--swagger-enable: has no effect in this version'
    expect(start({ yaml: 'enableSwagger: true\n' }).warnings).toContain(line)
    expect(start({ yaml: 'enableSwagger: false\n' }).warnings).not.toContain(line)
  })

  it('say so in help and in the deployment report', () => {
    const help = printed({ argv: ['--help'] })
    expect(help).toContain('Serve the description of the API under /swagger. Has no effect yet.')
    expect(help).toContain('Has no effect: provisioners are woken when there is work.')
    const reported = deploymentConfig(start({})).options.find(({ flag }) => flag === 'swagger-enable')
    expect(reported?.description).toBe('Serve the description of the API under /swagger. Has no effect yet.')
    const described = optionEntries.filter(([key, of]) =>
      describeOption(key, of).endsWith('Has no effect yet.'),
    )
    expect(described).toHaveLength(withoutEffect.length)
  })
})
