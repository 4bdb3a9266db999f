import { expect, it } from 'vitest'

import { type KeptOptions, keptOptions, sectionOf, withSection } from './ssh-section.ts'

const kept: KeptOptions = {
  wait: 'yes',
  disableAutostart: true,
  sshOptions: ['ForwardAgent=yes', 'ServerAliveInterval 5'],
  sshHostPrefix: 'work.',
}
const context = {
  prefix: 'work.',
  suffix: 'coder',
  options: { Compression: 'yes' },
  program: 'C:\\Program Files\\slipway.exe',
  globalFlags: ['--global-config', '/tmp/a b'],
  unixPaths: true,
  hosts: undefined,
}

it('AC-241: the section remembers its options for --use-previous-options', () => {
  const section = sectionOf(kept, context)
  expect(keptOptions(`Host mine\n${section}`)).toEqual(kept)
  expect(keptOptions('Host mine\n')).toBeUndefined()
  expect(keptOptions(sectionOf({ wait: 'auto', disableAutostart: false, sshOptions: [] }, context))).toEqual({
    wait: 'auto',
    disableAutostart: false,
    sshOptions: [],
  })
})

it('AC-241: the section runs the named program with the flags that were given', () => {
  const section = sectionOf(kept, context)
  expect(section).toContain(
    '\tProxyCommand "C:/Program Files/slipway.exe" --global-config "/tmp/a b" ssh --stdio --wait yes --disable-autostart --ssh-host-prefix work. %h\n',
  )
  expect(section).toContain('\tCompression yes\n\tForwardAgent=yes\n')
  expect(section).toContain('Host *.coder\n')
})

it('AC-241: --no-wildcard names the workspaces; without any there is no host', () => {
  const named = sectionOf(kept, { ...context, hosts: ['dev', 'dev.gpu'] })
  expect(named).toContain('Host work.dev work.dev.gpu\n')
  expect(named).toContain('Host dev.coder dev.gpu.coder\n')
  expect(sectionOf(kept, { ...context, hosts: [] })).not.toContain('\nHost ')
})

it('AC-241: the section takes the place of the old one and leaves the rest alone', () => {
  const first = withSection('Host a', sectionOf(kept, context))
  const second = withSection(`${first}Host b\n`, sectionOf({ ...kept, wait: 'no' }, context))
  expect(second.startsWith('Host a\n# ---')).toBe(true)
  expect(second.endsWith('END-CODER------------\nHost b\n')).toBe(true)
  expect(second.match(/START-CODER/g)).toHaveLength(1)
})

it('AC-241: what OpenSSH and its shell would read as theirs is written so that they do not', () => {
  const globalFlags = ['--header-command', 'echo "X=$TOKEN" `date`', '--global-config', '/100%/c']
  const section = sectionOf(kept, { ...context, globalFlags, program: '/opt/slipway' })
  expect(section).toContain(
    'ProxyCommand /opt/slipway --header-command "echo \\"X=\\$TOKEN\\" \\`date\\`" --global-config /100%%/c ssh --stdio',
  )
})

it('AC-241: a section that has lost one of its ends is not guessed at', () => {
  const whole = sectionOf(kept, context)
  const headless = whole.replace(/^# -+START-CODER-+\n/, '')
  const endless = whole.replace(/# -+END-CODER-+\n$/, '')
  for (const broken of [headless, endless, `${whole}${whole}`, `${endless}Host mine\n${whole}`])
    expect(() => withSection(broken, whole)).toThrow(/repair it by hand/)
})
