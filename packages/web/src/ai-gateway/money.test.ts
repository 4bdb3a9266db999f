import { expect, it } from 'vitest'

import { amountFault, amountText, money, parseAmount, priceText, shareOf, shortCount } from './money.ts'

it('AG-112: amounts are typed in dollars and sent in millionths', () => {
  expect(parseAmount('25')).toBe(25_000_000)
  expect(parseAmount(' $1,234.50 ')).toBe(1_234_500_000)
  expect(parseAmount('0.000001')).toBe(1)
  expect(parseAmount('1000000')).toBe(1_000_000_000_000)
  for (const text of ['', 'ten', '-1', '1e3', '1000000.01', '0.0000001'])
    expect(parseAmount(text)).toBeUndefined()
  for (const micros of [0, 1, 10_000, 25_000_000, 1_234_500_000, 100_000_000])
    expect(parseAmount(amountText(micros))).toBe(micros)
  expect(amountText(null)).toBe('')
  expect(amountText(100_000_000)).toBe('100')
})

it('an empty amount is no limit where there need not be one', () => {
  expect(amountFault('', false)).toBeUndefined()
  expect(amountFault(' ', true)).toContain('0 blocks everything')
  expect(amountFault('x', false)).toContain('from 0 to')
})

it('says amounts and counts shortly', () => {
  expect(money(0)).toBe('$0.00')
  expect(money(9_000)).toBe('<$0.01')
  expect([priceText(375_000), priceText(3_000_000), priceText(12_500)]).toEqual([
    '$0.375',
    '$3.00',
    '$0.0125',
  ])
  expect(money(1_234_560_000)).toBe('$1,234.56')
  expect(shortCount(999)).toBe('999')
  expect(shortCount(12_340)).toBe('12.3K')
  expect([shareOf(5, 10), shareOf(20, 10), shareOf(0, 0)]).toEqual([0.5, 1, 1])
})
