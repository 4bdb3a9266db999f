import { encode } from 'uqr'

/** Modules that must stay bright around a QR code (ISO/IEC 18004 §9.1). */
const QUIET = 4

/** A QR code, dark on bright in every theme: many cameras read no other. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const { data, size } = encode(text, { border: QUIET })
  const path = data
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('')
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="size-44 shrink-0 rounded-card border border-line bg-surface text-ink scheme-light"
    >
      <path d={path} fill="currentColor" />
    </svg>
  )
}
