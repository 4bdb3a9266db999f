import { describe, expect, it } from 'vitest'

import { StepBudget } from '../../linear-regexp/index.ts'
import { editTexts } from './json-texts.ts'
import { redacted, SecretScanner } from './secret-scanner.ts'

const budget = () => new StepBudget(1e7)
const scanner = new SecretScanner()
const clean = (text: string, by = scanner) => redacted(text, by.find(text, budget()))
const a = (length: number) => 'aB3'.repeat(length).slice(0, length)

describe('AG-B17: the scanner for secrets', () => {
  it.each([
    ['aws_access_key', 'AKIAIOSFODNN7EXAMPLE'],
    ['github_token', `ghp_${a(36)}`],
    ['github_token', `github_pat_${a(60)}`],
    ['gitlab_token', `glpat-${a(20)}`],
    ['anthropic_key', `sk-ant-api03-${a(60)}`],
    ['openai_key', `sk-proj-${a(60)}`],
    ['model_provider_key', `sk-${a(48)}`],
    ['google_api_key', `AIza${a(35)}`],
    ['slack_token', `xoxb-${a(24)}`],
    ['stripe_key', `sk_live_${a(24)}`],
    ['npm_token', `npm_${a(36)}`],
    ['hugging_face_token', `hf_${a(34)}`],
    ['json_web_token', `eyJ${a(20)}.eyJ${a(30)}.${a(43)}`],
    ['slipway_token', 'Ab3dEf6hIj-k1m2n3o4p5q6r7s8t9u0V1'],
    ['slipway_token', `coder_${a(10)}_${a(40)}`],
    ['private_key', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----'],
    ['private_key', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn'],
  ])('AG-B17: %s is found wherever it stands', (kind, secret) => {
    for (const [before, after] of [
      ['', ''],
      ['my key is ', ''],
      ['KEY="', ''],
      ['(', ''],
    ] as const)
      expect(clean(`${before}${secret}${after}`)).toBe(`${before}[redacted:${kind}]${after}`)
    if (kind !== 'private_key') expect(clean(`${secret}, and more`)).toBe(`[redacted:${kind}], and more`)
  })

  it('AG-B17: the password of an address and the secret beside its name go, what is around them stays', () => {
    expect(clean('postgres://joe:hunter22@db/app')).toBe('[redacted:url_password]db/app')
    expect(clean(`AWS_SECRET_ACCESS_KEY=${a(40)}`)).toBe('AWS_SECRET_ACCESS_KEY=[redacted:aws_secret_key]')
  })

  it.each([
    'The quick brown fox jumps over the lazy dog.',
    '550e8400-e29b-41d4-a716-446655440000',
    'sk-learn is a library, and so is task-oriented-programming-of-things',
    'https://example.com/a:b@c',
    'const ghp_ = 1',
    'a-very-long-class-name another_long_identifier_of_a_program',
    `sha256:${'0123456789abcdef'.repeat(4)}`,
  ])('AG-B17: nothing is found in %j', (text) => {
    expect(scanner.find(text, budget())).toEqual([])
  })

  it('AG-B17: patterns of administrators count too', () => {
    expect(clean('see ACME-1234 and ACME-9', new SecretScanner(['ACME-[0-9]+']))).toBe(
      'see [redacted:pattern] and [redacted:pattern]',
    )
  })

  it('AG-B16: what tells of persons is found where that is asked for, and only what is meant', () => {
    const personal = new SecretScanner([], { personal: true })
    expect(clean('joe@example.com 4111 1111 1111 1111 DE89370400440532013000', personal)).toBe(
      '[redacted:email] [redacted:card_number] [redacted:iban]',
    )
    expect(clean('4111 1111 1111 1112 DE89370400440532013001', personal)).toBe(
      '4111 1111 1111 1112 DE89370400440532013001',
    )
    expect(clean('mail mary-ann.lee+x@a-b.example.org, -joe@example.com', personal)).toBe(
      'mail [redacted:email], -[redacted:email]',
    )
    expect(clean('3782 822463 10005, 3782-822463-10005, 3782 822463 10006', personal)).toBe(
      '[redacted:card_number], [redacted:card_number], 3782 822463 10006',
    )
    expect(clean('joe@example.com')).toBe('joe@example.com')
  })

  it.each([
    ['words', 'word '],
    ['tokens that are none', 'eyJaaaaaaaaaa.'],
    ['keys without an end', '-----BEGIN PRIVATE KEY-----'],
    ['prefixes', 'sk-ant-'],
    ['names of keys', ' secret_access_key        '],
    ['addresses', 'https://aaaaaaaaaaaaaaaa:aaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['dots', 'a.'],
    ['dots and dashes', '.a-'],
    ['numbers', '1234 '],
    ['pluses', '+123 '],
  ])('AG-B17: a megabyte of %s takes no time to speak of', (_, piece) => {
    const personal = new SecretScanner([], { personal: true })
    const text = piece.repeat(Math.ceil(1_000_000 / piece.length))
    const began = performance.now()
    personal.find(text, budget())
    // Hundreds of times what it takes; what is not linear takes minutes.
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

describe('AG-20: texts of JSON', () => {
  const upper = (json: string) =>
    editTexts(json, (text) => (text.includes('x') ? text.toUpperCase() : undefined))

  it('AG-20: everything but the texts that change stays, to the byte', () => {
    const json =
      '{ "x" : 1.0e+2,\n "messages":[{"role":"x","content":"a\\u0078\\n"},"y", "xx" ],"n":{"text":"\\"x\\""} }'
    expect(upper(json)).toBe(
      '{ "x" : 1.0e+2,\n "messages":[{"role":"x","content":"AX\\n"},"y", "XX" ],"n":{"text":"\\"X\\""} }',
    )
  })

  it('AG-B17: what is signed, encrypted, an image or an id is left alone', () => {
    const image = `data:image/png;base64,${'x'.repeat(40)}`
    const json = JSON.stringify({
      content: [
        { type: 'thinking', thinking: 'x', signature: 'x' },
        { type: 'image_url', image_url: { url: image } },
        { type: 'image', source: { data: 'x'.repeat(2_000) } },
        { type: 'tool_result', tool_use_id: 'x', content: 'y' },
      ],
    })
    expect(upper(json)).toBe(json)
  })

  it('AG-B17: members that are an id in an API are any text where its users shape what is sent', () => {
    const json = (text: string, name: string) =>
      JSON.stringify({
        model: 'x',
        input: [{ id: 'x', type: 'x', call_id: 'x', role: 'x', output: text }],
        metadata: { id: text },
        tools: [{ type: 'x', input_schema: { type: text, properties: { [name]: { id: [text] } } } }],
        messages: [
          {
            role: 'x',
            content: [{ type: 'x', id: 'x', input: { id: text, list: [{ role: text }], [name]: 1 } }, text],
            tool_calls: [{ id: 'x', function: { name: text, arguments: text } }],
          },
          { role: 'x', tool_call_id: 'x', thinking: 'x' },
        ],
      })
    expect(upper(json('x', 'xx'))).toBe(json('X', 'XX'))
    expect(editTexts('{"id":"x","x":[{"type":"x"}]}', (text) => text.toUpperCase(), 'arguments')).toBe(
      '{"ID":"X","X":[{"TYPE":"X"}]}',
    )
  })

  it('AG-B17: what only begins like an image is looked at', () => {
    for (const text of [`${'a'.repeat(2_000)} x`, 'data:text/plain;base64,aaaa x'])
      expect(upper(JSON.stringify({ content: text }))).toBe(JSON.stringify({ content: text.toUpperCase() }))
  })
})
