import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** A certificate with its chain and its key, in PEM form. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

const SELF_SIGNED_DAYS = 180

/**
 * The certificates that the settings name, in their order; without any, one of our own for this machine (OP-25).
 *
 * @throws Error naming the file that cannot be used.
 */
export async function loadCertificates(
  certFiles: readonly string[],
  keyFiles: readonly string[],
): Promise<[KeyPair, ...KeyPair[]]> {
  const [first, ...others] = await Promise.all(
    certFiles.map(async (certFile, i) => {
      const keyFile = keyFiles[i] ?? ''
      const pair = {
        cert: await readPem('--tls-cert-file', certFile),
        key: await readPem('--tls-key-file', keyFile),
      }
      requireFitting(certFile, keyFile, pair)
      return pair
    }),
  )
  return first === undefined ? [await selfSigned()] : [first, ...others]
}

/** Certificates of authorities from a file. @throws Error when it holds none. */
export function loadAuthorities(flag: string, file: string): Promise<string> {
  return readPem(flag, file)
}

async function readPem(flag: string, file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(
      `${flag}: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
  if (!/-----BEGIN [A-Z0-9 ]+-----/.test(text)) throw new Error(`${flag}: ${file} holds nothing in PEM form`)
  return text
}

function requireFitting(certFile: string, keyFile: string, { cert, key }: KeyPair): void {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(cert)
  } catch {
    throw new Error(`--tls-cert-file: ${certFile} holds no certificate`)
  }
  if (!fits(certificate, key))
    throw new Error(`--tls-key-file: ${keyFile} is not the key of the certificate in ${certFile}`)
}

function fits(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

async function selfSigned(): Promise<KeyPair> {
  // Loaded here: hardly any server needs it.
  const { generate } = await import('selfsigned')
  const now = Date.now()
  const { cert, private: key } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - 60_000),
    notAfterDate: new Date(now + SELF_SIGNED_DAYS * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
          { type: 2, value: 'localhost' },
        ],
      },
    ],
  })
  return { cert, key }
}
