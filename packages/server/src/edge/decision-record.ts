import type { Action, ResourceObject } from '../authz/index.ts'

/** Characters of the header that tells of decisions (ID-142). */
const MAX_RECORD = 2_000
const TRUNCATED = '<truncated>'

/** The latest refusal of a request: for the log, and for what the answer says of it (RB-69, ID-216). */
export interface Denial {
  readonly subject: string
  readonly action: Action
  readonly object: ResourceObject
  /** Set when a wider credential of the same user would have been allowed. */
  readonly lacks: 'permission' | 'allow-list-entry' | undefined
}

/** Decisions of one request as text, as far as they fit the header; made only for requests that ask for it. */
export class DecisionRecord {
  #text = ''

  add(action: Action, object: ResourceObject, allowed: boolean): void {
    if (this.#text.length > MAX_RECORD) return
    const { type, id, owner, organization, anyOrganization } = object
    const at =
      anyOrganization === true
        ? 'organization:any::'
        : organization === undefined
          ? ''
          : `organization:${organization}::`
    const entry = `${at}${owner === undefined ? '' : `owner:${owner}::`}${id === undefined ? '' : `id:${id}::`}${type}.${action}=${allowed}`
    this.#text += this.#text === '' ? entry : `; ${entry}`
  }

  /** Value of the header. Ids that a client has made up may hold anything: only plain text goes back to it. */
  toString(): string {
    const plain = this.#text.replace(/[^ -~]/g, '?')
    if (plain === '') return 'nil'
    return plain.length > MAX_RECORD ? `${plain.slice(0, MAX_RECORD)}${TRUNCATED}` : plain
  }
}
