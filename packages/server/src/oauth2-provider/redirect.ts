/** Parameters of an authorization response; those that are not given are left out. */
export type ResponseParameters = Readonly<Record<string, string | undefined>>

/** The redirect URI with the response in its query; what its query holds already stays as it is, byte by byte (OA-48). */
export function redirectWith(uri: string, parameters: ResponseParameters): string {
  const added = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) added.append(name, value)
  const joint = !uri.includes('?') ? '?' : /[?&]$/.test(uri) ? '' : '&'
  return `${inHeader(uri)}${joint}${added}`
}

/** Headers hold printable ASCII only; addresses of apps that were stored before may hold more. */
function inHeader(uri: string): string {
  return /^[\x21-\x7e]*$/.test(uri) ? uri : (URL.parse(uri)?.href ?? '')
}
