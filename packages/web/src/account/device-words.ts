/** A program that is signed in, in words: what it is and on what it runs. */
export interface DeviceWords {
  readonly kind: 'browser' | 'phone' | 'program'
  readonly title: string
}

/** Later ones call themselves by the names of earlier ones too, so the order counts. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\/|\bEdgiOS\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\/|\bChrom(e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b|\bwin32\b/i, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b|\bdarwin\b/i, 'macOS'],
  [/\bLinux\b/i, 'Linux'],
]
const LONGEST = 60

/** Words for the `User-Agent` of a session. What is in it was chosen by the other side: nothing is decided by it. */
export function describeDevice(userAgent: string): DeviceWords {
  const text = userAgent.trim()
  if (text === '') return { kind: 'program', title: 'Unknown program' }
  const system = SYSTEMS.find(([pattern]) => pattern.test(text))?.[1]
  const browser = text.startsWith('Mozilla/')
    ? BROWSERS.find(([pattern]) => pattern.test(text))?.[1]
    : undefined
  const name = browser ?? programName(text)
  const phone = system === 'iPhone' || system === 'iPad' || system === 'Android'
  return {
    kind: browser === undefined ? 'program' : phone ? 'phone' : 'browser',
    title: system === undefined ? name : `${name} on ${system}`,
  }
}

/** Programs name themselves first, before their version. */
function programName(text: string): string {
  if (/^(slipway|coder)\b/i.test(text)) return 'Command line'
  const name = text.split(/[/ ]/).find((part) => part !== '') ?? 'Unknown program'
  if (name === 'node' || name === 'undici') return 'Command line'
  return name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name
}
