/** Whether passkeys can be made and used here: over HTTPS or on this machine, and at a name (WebAuthn §5.1.3). */
export function passkeysSupported(): boolean {
  return (
    typeof window.PublicKeyCredential === 'function' && !/^(\d+\.){3}\d+$|^\[/.test(window.location.hostname)
  )
}
