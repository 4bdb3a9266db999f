import { describe, expect, it } from 'vitest'

import type { DynamicParametersResponse, PreviewParameter } from '@slipway/contract'
import { ParameterForm } from './parameter-form.ts'

function parameter(
  name: string,
  value: string | undefined,
  over: Partial<PreviewParameter> = {},
): PreviewParameter {
  return {
    name,
    display_name: '',
    description: '',
    default_value: { valid: value !== undefined, value: value ?? '' },
    value: { valid: value !== undefined, value: value ?? '' },
    diagnostics: [],
    ephemeral: false,
    form_type: 'input',
    icon: '',
    mutable: true,
    options: [],
    order: 0,
    required: value === undefined,
    styling: {},
    type: 'string',
    validations: [],
    ...over,
  }
}
const answer = (id: number, ...parameters: PreviewParameter[]): DynamicParametersResponse => ({
  id,
  diagnostics: [],
  parameters,
})

function fixture(initial: Record<string, string> = {}) {
  const sent: { id: number; inputs: Record<string, string> }[] = []
  let timer: (() => void) | undefined
  let connected = true
  const form = new ParameterForm(
    {
      send: (request) => {
        if (connected) sent.push(request)
        return connected
      },
      later: (run) => {
        timer = run
        return () => {
          timer = undefined
        }
      },
    },
    initial,
  )
  return {
    form,
    sent,
    pause: () => timer?.(),
    disconnect: () => {
      connected = false
    },
    reconnect: () => {
      connected = true
      form.opened()
    },
  }
}

describe('UI-733: questions and answers', () => {
  it('sends touched values only, with ids that grow by one', () => {
    const { form, sent } = fixture()
    form.receive(answer(-1, parameter('a', 'x'), parameter('b', 'y')))
    form.set('a', '1')
    form.set('b', '2')
    expect(sent).toEqual([
      { id: 1, inputs: { a: '1' } },
      { id: 2, inputs: { a: '1', b: '2' } },
    ])
  })

  it('waits for a pause in typing, other controls do not', () => {
    const { form, sent, pause } = fixture()
    form.receive(answer(-1, parameter('a', '')))
    form.set('a', 'h', true)
    form.set('a', 'hi', true)
    expect(sent).toEqual([])
    pause()
    expect(sent).toEqual([{ id: 1, inputs: { a: 'hi' } }])
  })

  it('shows parameters in their order', () => {
    const { form } = fixture()
    form.receive(
      answer(
        -1,
        parameter('z', '', { order: 1 }),
        parameter('b', '', { order: 2 }),
        parameter('a', '', { order: 2 }),
      ),
    )
    expect(form.view().parameters?.map(({ name }) => name)).toEqual(['z', 'a', 'b'])
  })
})

describe('UI-734: what is on screen is what is submitted', () => {
  it('an answer to an older question changes nothing', () => {
    const { form } = fixture()
    form.receive(answer(-1, parameter('a', 'x')))
    form.set('a', '1')
    form.set('a', '2')
    form.receive(answer(1, parameter('a', '1'), parameter('only for 1', 'q')))
    expect(form.view().parameters).toHaveLength(1)
    expect(form.view().validating).toBe(true)
    form.receive(answer(2, parameter('a', '2')))
    expect(form.view().validating).toBe(false)
    expect(form.submission()).toEqual([{ name: 'a', value: '2' }])
  })

  it('submitting asks what was typed last and waits for its answer', async () => {
    const { form, sent } = fixture()
    form.receive(answer(-1, parameter('a', 'x')))
    form.set('a', 'typed', true)
    const done = form.settled()
    expect(sent).toEqual([{ id: 1, inputs: { a: 'typed' } }])
    let settled = false
    void done.then(() => {
      settled = true
    })
    await Promise.resolve()
    expect(settled).toBe(false)
    form.receive(answer(1, parameter('a', 'typed')))
    await done
    expect(form.submission()).toEqual([{ name: 'a', value: 'typed' }])
  })

  it('a required value that nobody gave is not made up', () => {
    const { form } = fixture()
    form.receive(answer(-1, parameter('a', undefined)))
    expect(form.submission()).toEqual([])
  })
})

describe('UI-735: a lost connection loses no input', () => {
  it('says everything again over the next one', async () => {
    const { form, sent, disconnect, reconnect } = fixture()
    form.receive(answer(-1, parameter('a', 'x'), parameter('b', 'y')))
    disconnect()
    form.set('a', '1')
    form.set('b', '2')
    expect(sent).toEqual([])
    reconnect()
    expect(sent.at(-1)?.inputs).toEqual({ a: '1', b: '2' })
    form.receive(answer(-1, parameter('a', 'x'), parameter('b', 'y')))
    expect(form.view().validating).toBe(true)
    form.receive(answer(sent.at(-1)?.id ?? 0, parameter('a', '1'), parameter('b', '2')))
    expect(form.view().validating).toBe(false)
    await form.settled()
  })

  it('values from the address count as touched', () => {
    const { form, sent, reconnect } = fixture({ a: 'given' })
    reconnect()
    expect(sent).toEqual([{ id: 1, inputs: { a: 'given' } }])
    form.receive(answer(-1, parameter('a', 'default')))
    expect(form.view().values.get('a')).toBe('given')
  })
})
