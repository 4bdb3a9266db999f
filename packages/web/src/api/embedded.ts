/**
 * First-paint data that the server put into the page (UI-102): `<meta property="…" content="<JSON>">`. Each is
 * used once and removed, so that no identity of the past can be read later. Undefined when it is missing, empty
 * or a placeholder that nobody filled: then the client asks.
 */
export function takeEmbedded<T>(property: string): T | undefined {
  // Components are made into text, too, where there is no page.
  if (typeof document === 'undefined') return undefined
  const element = document.querySelector<HTMLMetaElement>(`meta[property="${property}"]`)
  const content = element?.content ?? ''
  element?.remove()
  if (content === '' || content.startsWith('{{')) return undefined
  try {
    const value: T | null = JSON.parse(content)
    return value ?? undefined
  } catch {
    return undefined
  }
}
