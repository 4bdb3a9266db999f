const PLACEHOLDER = '{{csrf-token}}'

/** The token that the server put into the page; undefined when the page did not come from the server. */
export function csrfToken(): string | undefined {
  const token = document.querySelector<HTMLMetaElement>('meta[property="csrf-token"]')?.content
  return token === undefined || token === '' || token === PLACEHOLDER ? undefined : token
}
