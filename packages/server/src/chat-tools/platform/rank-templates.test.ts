import { describe, expect, it } from 'vitest'

import { affinity, type RankedTemplate, rankTemplates, recommended } from './rank-templates.ts'

const template = (name: string, more: Partial<RankedTemplate> = {}): RankedTemplate => ({
  id: name,
  name,
  displayName: '',
  description: '',
  active: 0,
  deleted: 0,
  daysSinceUse: undefined,
  developers: 0,
  ...more,
})
const names = (query: string, ...templates: readonly RankedTemplate[]) =>
  rankTemplates(templates, query).map(({ template: { name }, tier }) => `${name} ${tier}`)

describe('CH-1112', () => {
  it('names that are the query come first, then those that begin with it, hold it, and descriptions', () => {
    const all = [
      template('other', { description: 'for Node JS' }),
      template('my-nodejs'),
      template('nodejs-large'),
      template('x', { displayName: 'Node_JS' }),
      template('python'),
    ]
    expect(names('node js', ...all)).toEqual(['x 4', 'nodejs-large 3', 'my-nodejs 2', 'other 1'])
    expect(names('', ...all)).toEqual(['my-nodejs 0', 'nodejs-large 0', 'other 0', 'python 0', 'x 0'])
  })

  it('use counts by half every two weeks, deleted workspaces by half, and other developers a little', () => {
    expect(affinity(template('a', { active: 1, daysSinceUse: 0 }))).toBeCloseTo(10)
    expect(affinity(template('a', { active: 1, daysSinceUse: 14 }))).toBeCloseTo(5)
    expect(affinity(template('a', { deleted: 2, daysSinceUse: 28 }))).toBeCloseTo(2.5)
    expect(affinity(template('a', { developers: 2 }))).toBeCloseTo(Math.log(3))
    expect(
      names(
        '',
        template('b', { developers: 1 }),
        template('a'),
        template('c', { active: 1, daysSinceUse: 1 }),
      ),
    ).toEqual(['c 0', 'b 0', 'a 0'])
  })

  it('recommends the only one, a better match, and one that is used clearly more', () => {
    const best = (query: string, ...templates: readonly RankedTemplate[]) =>
      recommended(rankTemplates(templates, query))?.name
    expect(best('')).toBeUndefined()
    expect(best('', template('a'))).toBe('a')
    expect(best('', template('a'), template('b'))).toBeUndefined()
    expect(best('ab', template('abc'), template('xab', { developers: 50 }))).toBe('abc')
    expect(best('', template('a', { developers: 2 }), template('b', { developers: 1 }))).toBe('a')
    expect(best('', template('a', { developers: 2 }), template('b', { developers: 2 }))).toBeUndefined()
    expect(best('', template('a', { developers: 1 }), template('b'))).toBeUndefined()
  })
})
