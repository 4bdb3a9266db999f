import { writeFile } from 'node:fs/promises'
import path from 'node:path'

import { generate } from 'selfsigned'
import { describe, expect, it } from 'vitest'

import { createLogger } from '@slipway/request-log'
import { FakeMailServer, startTestServer, until } from '@slipway/testkit'
import { parseConfig } from '../config/index.ts'
import type { Passwords } from '../context.ts'
import type { Mail } from './mail.ts'
import { Mailer } from './mailer.ts'

const message = (subject = 'Hello'): Mail => ({
  to: 'ada@example.com',
  subject,
  text: 'Grüße\n',
  html: '<p>Grüße</p>',
  expiresAt: new Date(Date.now() + 60_000),
})

/** A mailer with these options, and what it logs. */
function mailer(env: Readonly<Record<string, string>>) {
  const parsed = parseConfig([], { CODER_EMAIL_FROM: 'Slipway <slipway@example.com>', ...env })
  if (parsed.kind !== 'start') throw new Error(`bad test configuration: ${JSON.stringify(parsed)}`)
  const warnings: string[] = []
  const log = createLogger({ level: 'warn', sink: { write: (line) => void warnings.push(line) } })
  const { config } = parsed
  const passwords: Passwords = { current: { mail: config.emailAuthPassword } }
  const made = new Mailer({ config, log, passwords, clock: { now: () => new Date() } })
  return { warnings, passwords, made }
}

async function certificate() {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  return { key: made.private, cert: made.cert }
}

describe('OP-134: mail', () => {
  it('goes as text and HTML to the smarthost, whose name for us it takes', async () => {
    await using fake = await FakeMailServer.start()
    const { made } = mailer({ CODER_EMAIL_SMARTHOST: fake.smarthost })
    await using sending = made
    sending.send(message())
    const mail = await until('the message', async () => fake.received[0])
    expect(mail).toMatchObject({ from: 'slipway@example.com', to: ['ada@example.com'], encrypted: false })
    expect(mail.raw).toContain('From: Slipway <slipway@example.com>')
    expect(mail.raw).toMatch(/Content-Type: text\/plain[\s\S]*Gr=C3=BC=C3=9Fe[\s\S]*Content-Type: text\/html/)
  })

  it('goes to the one address that it is for, however that is spelled', async () => {
    await using fake = await FakeMailServer.start()
    const { made } = mailer({ CODER_EMAIL_SMARTHOST: fake.smarthost })
    await using sending = made
    sending.send({ ...message(), to: 'ada@example.com, eve@evil.example' })
    sending.send({ ...message(), to: '"eve@evil.example x"@example.com' })
    sending.send(message('The last one'))
    await until('the last one', async () => fake.received.find(({ raw }) => raw.includes('The last one')))
    expect(fake.received.flatMap(({ to }) => to)).not.toContain('eve@evil.example')
  })

  it('signs in, with the password of a file', async () => {
    const credentials = { user: 'slipway', password: 'of-the-mail-server' }
    await using fake = await FakeMailServer.start({ credentials })
    await using server = await startTestServer()
    const file = path.join(server.configDirectory, 'mail-password')
    await writeFile(file, `${credentials.password}\n`)
    const env = { CODER_EMAIL_SMARTHOST: fake.smarthost, CODER_EMAIL_AUTH_USERNAME: credentials.user }
    const { made } = mailer({ ...env, CODER_EMAIL_AUTH_PASSWORD_FILE: file })
    await using sending = made
    sending.send(message())
    const mail = await until('the message', async () => fake.received[0])
    expect(mail.user).toBe('slipway')
    const wrong = mailer({ ...env, CODER_EMAIL_AUTH_PASSWORD: 'wrong' })
    await using refused = wrong.made
    refused.send(message())
    await until('the warning', async () => wrong.warnings[0])
    expect(fake.received).toHaveLength(1)
    expect(wrong.warnings.join()).not.toContain('"wrong"')
  })

  it('OP-15: signs in with another password once that has been read again', async () => {
    const credentials = { user: 'slipway', password: 'first' }
    await using fake = await FakeMailServer.start({ credentials })
    const { made, passwords } = mailer({
      CODER_EMAIL_SMARTHOST: fake.smarthost,
      CODER_EMAIL_AUTH_USERNAME: credentials.user,
      CODER_EMAIL_AUTH_PASSWORD: credentials.password,
    })
    await using sending = made
    sending.send(message('one'))
    await until('the first message', async () => fake.received[0])
    credentials.password = 'second'
    passwords.current = { mail: 'second' }
    sending.send(message('two'))
    await until('the second message', async () => fake.received[1])
  })

  it('signs in for another identity (RFC 4616)', async () => {
    const credentials = { user: 'slipway', password: 'of-the-mail-server' }
    await using fake = await FakeMailServer.start({ credentials })
    const { made } = mailer({
      CODER_EMAIL_SMARTHOST: fake.smarthost,
      CODER_EMAIL_AUTH_IDENTITY: 'notices',
      CODER_EMAIL_AUTH_USERNAME: credentials.user,
      CODER_EMAIL_AUTH_PASSWORD: credentials.password,
    })
    await using sending = made
    sending.send(message())
    const mail = await until('the message', async () => fake.received[0])
    expect(mail.user).toBe('slipway')
  })

  it('gives credentials to no server that does not take them', async () => {
    await using fake = await FakeMailServer.start()
    const { made, warnings } = mailer({
      CODER_EMAIL_SMARTHOST: fake.smarthost,
      CODER_EMAIL_AUTH_USERNAME: 'slipway',
      CODER_EMAIL_AUTH_PASSWORD: 'secret-of-mail',
    })
    await using sending = made
    sending.send(message())
    await until('the warning', async () => warnings[0])
    expect(fake.received).toEqual([])
  })

  it('insists on STARTTLS where that is set, and on a certificate that it believes', async () => {
    const tls = await certificate()
    await using fake = await FakeMailServer.start({ tls })
    await using plain = await FakeMailServer.start()
    await using server = await startTestServer()
    const ca = path.join(server.configDirectory, 'ca.pem')
    await writeFile(ca, tls.cert)
    const insisting = { CODER_EMAIL_TLS_STARTTLS: 'true' }
    const { made } = mailer({
      ...insisting,
      CODER_EMAIL_SMARTHOST: fake.smarthost,
      CODER_EMAIL_TLS_CACERTFILE: ca,
    })
    await using sending = made
    sending.send(message())
    expect((await until('the message', async () => fake.received[0])).encrypted).toBe(true)
    for (const smarthost of [fake.smarthost, plain.smarthost]) {
      const untrusting = mailer({ ...insisting, CODER_EMAIL_SMARTHOST: smarthost })
      await using refused = untrusting.made
      refused.send(message())
      await until('the warning', async () => untrusting.warnings[0])
    }
    expect([fake.received.length, plain.received.length]).toEqual([1, 0])
  })

  it('is tried again when the server is busy', async () => {
    await using fake = await FakeMailServer.start({ busy: 1 })
    const { made, warnings } = mailer({ CODER_EMAIL_SMARTHOST: fake.smarthost })
    await using sending = made
    sending.send(message())
    await until('the message', async () => fake.received[0], 20_000)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('is tried again')
  })

  it('that nobody can send tells the operator what to set', async () => {
    const { made, warnings } = mailer({})
    await using sending = made
    sending.send(message())
    expect(warnings.join()).toContain('set CODER_EMAIL_SMARTHOST and CODER_EMAIL_FROM')
  })

  it('waits in a bounded number, and is given up when the server stops', async () => {
    const { made, warnings } = mailer({ CODER_EMAIL_SMARTHOST: 'localhost:1' })
    for (let count = 0; count < 1_001; count += 1) made.send(message(`number ${count}`))
    expect(warnings.filter((warning) => warning.includes('too many'))).toHaveLength(1)
    await made[Symbol.asyncDispose]()
  })
})
