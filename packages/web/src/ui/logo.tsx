import { useState } from 'react'

import { LOGO_URL } from './product.ts'

/** The logo of the deployment, where it has one that loads; else the mark of the product. */
export function Logo({ className = 'size-5' }: { readonly className?: string }) {
  const [failed, setFailed] = useState(false)
  if (failed || !/^(\/|https:|data:image\/)/.test(LOGO_URL)) return <Mark className={className} />
  return (
    <img
      src={LOGO_URL}
      alt=""
      referrerPolicy="no-referrer"
      onError={() => setFailed(true)}
      className={`${className} shrink-0 object-contain`}
    />
  )
}

/** A hull line over an inclined plane, two strokes, legible from 16 px. */
function Mark({ className }: { readonly className: string }) {
  return (
    <svg
      viewBox="0 0 16 16"
      className={`${className} shrink-0`}
      fill="none"
      stroke="currentColor"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path strokeWidth="1.6" d="M2.2 4.1 12.8 1.6C12.9 5.2 10.6 7.9 7.3 8.7 4.9 9.2 2.7 7.4 2.2 4.1Z" />
      <path strokeWidth="1.6" d="M1.6 14.2 14.4 11.1" />
    </svg>
  )
}
