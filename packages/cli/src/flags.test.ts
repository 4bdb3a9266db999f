import { afterEach, expect, it, vi } from 'vitest'

import { Command } from './command.ts'
import { flagsOf, givenOptions, listOption, option, readVariables } from './flags.ts'

afterEach(() => vi.unstubAllEnvs())

/** What a command is given for these arguments. */
async function given(...argv: string[]) {
  let found: { readonly options: unknown; readonly words: unknown; readonly sources: unknown } | undefined
  const program = new Command('slipway').exitOverride().enablePositionalOptions()
  for (const command of [program, program.command('run <name> [words...]').passThroughOptions()])
    command
      .addOption(option('--url <url>', 'URL', 'CODER_URL'))
      .addOption(listOption('--header <header>', 'header', 'CODER_HEADER'))
      .addOption(option('--yes', 'yes', 'CODER_YES'))
      .addOption(option('--no-wait', 'no wait', 'CODER_NO_WAIT'))
  program.hook('preAction', (_program, command) => readVariables(command))
  const [run] = program.commands
  run?.action((_name: string, words: string[], _own: unknown, command: Command) => {
    found = { options: { ...flagsOf(command) }, words, sources: givenOptions(command) }
  })
  await program.parseAsync(argv, { from: 'user' })
  return found
}

it('OP-181: flags win over variables, wherever they stand, and empty variables are none', async () => {
  vi.stubEnv('CODER_URL', 'http://variable')
  vi.stubEnv('CODER_HEADER', 'A=1, B=2')
  vi.stubEnv('CODER_YES', 'false')
  expect(await given('run', 'x')).toMatchObject({
    options: { url: 'http://variable', header: ['A=1', 'B=2'], yes: false, wait: true },
  })
  expect(await given('--url', 'http://before', 'run', 'x')).toMatchObject({
    options: { url: 'http://before' },
  })
  expect(await given('--url', 'a', 'run', '--url', 'b', '--header', 'C=3', 'x')).toMatchObject({
    options: { url: 'b', header: ['C=3'] },
    sources: expect.arrayContaining([
      { name: 'url', value_source: 'flag' },
      { name: 'yes', value_source: 'env' },
    ]),
  })
  for (const name of ['CODER_URL', 'CODER_HEADER', 'CODER_YES', 'CODER_NO_WAIT']) vi.stubEnv(name, '')
  const none = await given('run', 'x')
  expect(none?.options).toEqual({ url: undefined, header: undefined, yes: false, wait: true })
})

it('OP-181: switches take a value behind =, but arguments of another program are left alone', async () => {
  expect(await given('run', '--yes=true', '--no-wait=true', 'x')).toMatchObject({
    options: { yes: true, wait: false },
  })
  expect(await given('--yes', 'run', '--yes=false', '--no-wait=false', 'x')).toMatchObject({
    options: { yes: false, wait: true },
  })
  expect(await given('run', '--url', 'u', 'x', 'make', '--yes=true')).toMatchObject({
    options: { url: 'u' },
    words: ['make', '--yes=true'],
  })
  await expect(given('run', '--yes=perhaps', 'x')).rejects.toThrow(/unknown option '--yes=perhaps'/)
})
