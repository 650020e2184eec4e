package quartet.api.serve;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import quartet.errors.EngineException;

/**
 * A certificate with its chain, and its key, as PEM files; flags and form are ComfyUI's.
 *
 * @param keyFile a private key without a password, in PKCS#8
 * @param certificateFile the server's certificate first, then those between it and the root
 */
public record TlsFiles(Path keyFile, Path certificateFile) {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

  /** Kinds of keys that certificates have. */
  private static final String[] ALGORITHMS = {"RSA", "EC", "EdDSA"};

  /**
   * What encrypts connections.
   *
   * @throws EngineException naming the file and what is wrong with it
   */
  public SSLContext context() {
    char[] none = new char[0];
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, none);
      store.setKeyEntry("server", key(), none, certificates());
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(store, none);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(managers.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new EngineException(
          ServeError.BAD_OPTION,
          "%s and %s cannot be used together for TLS: %s"
              .formatted(certificateFile, keyFile, e.getMessage()),
          e);
    }
  }

  private Certificate[] certificates() {
    try {
      Collection<? extends Certificate> chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(read(certificateFile)));
      if (chain.isEmpty()) {
        throw unusable(certificateFile, "holds no certificate", null);
      }
      return chain.toArray(Certificate[]::new);
    } catch (GeneralSecurityException e) {
      throw unusable(certificateFile, "holds no PEM certificate: " + e.getMessage(), e);
    }
  }

  private PrivateKey key() {
    Matcher found = KEY.matcher(new String(read(keyFile), StandardCharsets.US_ASCII));
    if (!found.find()) {
      throw unusable(
          keyFile,
          "holds no 'PRIVATE KEY' in PEM. Convert it: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW",
          null);
    }
    PKCS8EncodedKeySpec encoded;
    try {
      encoded = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(found.group(1)));
    } catch (IllegalArgumentException e) {
      throw unusable(keyFile, "is damaged: " + e.getMessage(), e);
    }
    GeneralSecurityException last = null;
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
      } catch (GeneralSecurityException e) {
        last = e;
      }
    }
    throw unusable(keyFile, "holds a key that is neither RSA, EC nor Ed25519", last);
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw unusable(file, "cannot be read: " + e, e);
    }
  }

  private static EngineException unusable(
      Path file, String what, @org.jspecify.annotations.Nullable Throwable cause) {
    return new EngineException(ServeError.BAD_OPTION, "%s %s".formatted(file, what), cause);
  }
}
