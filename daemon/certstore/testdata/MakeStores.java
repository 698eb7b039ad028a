import java.io.*;
import java.math.BigInteger;
import java.nio.file.*;
import java.security.*;
import java.security.cert.Certificate;
import java.util.*;
import org.bouncycastle.crypto.util.*;
import org.bouncycastle.jcajce.BCFKSLoadStoreParameter;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * Makes keystores of the types that Java, its keytool and Bouncy Castle have, in the current directory, from the PKCS #12
 * files there. All in one run, because starting Java takes longer than the rest.
 *
 * usage: MakeStores PASSWORD KEY...   (of KEY.p12)
 */
public class MakeStores {
    static char[] password;
    static final Map<String, KeyStore> sources = new LinkedHashMap<>();

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        password = args[0].toCharArray();
        for (String name : Arrays.copyOfRange(args, 1, args.length)) {
            KeyStore source = KeyStore.getInstance("PKCS12", "BC");
            try (InputStream in = new FileInputStream(name + ".p12")) {
                source.load(in, password);
            }
            sources.put(name, source);
        }
        save(fill(empty("JKS", "SUN"), "rsa"), "rsa.jks");
        save(fill(empty("JKS", "SUN"), "rsa", "ec256", "dsa"), "several.jks");
        save(fill(empty("JCEKS", "SunJCE"), "rsa"), "rsa.jceks");
        save(empty("JKS", "SUN"), "empty.jks");
        KeyStore trusted = empty("JKS", "SUN");
        trusted.setCertificateEntry("ca", key("rsa")[1]);
        save(trusted, "trusted.jks");
        save(fill(empty("PKCS12", "BC"), "rsa", "ed25519"), "bouncy.p12");
        save(fill(empty("BCFKS", "BC"), "dsa", "ed448"), "several.bcfks");
        bcfks("rsa-kwp.bcfks", BCFKSLoadStoreParameter.EncryptionAlgorithm.AES256_KWP,
            new PBKDF2Config.Builder().withPRF(PBKDF2Config.PRF_SHA3_512).withIterationCount(1000).withSaltLength(20).build());
        bcfks("rsa-scrypt.bcfks", BCFKSLoadStoreParameter.EncryptionAlgorithm.AES256_CCM,
            new ScryptConfig.Builder(256, 8, 2).withSaltLength(20).build());
        keytool("-importkeystore -srckeystore rsa.p12 -srcstoretype PKCS12 -alias server -destkeystore keytool.jks");
        keytool("-genkeypair -keyalg EC -groupname secp256r1 -alias generated -dname CN=keytool,C=NL -validity 36500 -keystore generated.jks");
    }

    static KeyStore empty(String type, String provider) throws Exception {
        KeyStore store = KeyStore.getInstance(type, provider);
        store.load(null, null);
        return store;
    }

    static Certificate[] key(String name) throws Exception {
        return sources.get(name).getCertificateChain("server");
    }

    static KeyStore fill(KeyStore store, String... names) throws Exception {
        for (String name : names) {
            store.setKeyEntry(name, sources.get(name).getKey("server", password), password, key(name));
        }
        return store;
    }

    static void save(KeyStore store, String file) throws Exception {
        try (OutputStream out = new FileOutputStream(file)) {
            store.store(out, password);
        }
    }

    static void bcfks(String file, BCFKSLoadStoreParameter.EncryptionAlgorithm cipher, PBKDFConfig kdf) throws Exception {
        KeyStore store = KeyStore.getInstance("BCFKS", "BC");
        store.load(new BCFKSLoadStoreParameter.Builder().withStoreEncryptionAlgorithm(cipher).withStorePBKDFConfig(kdf).build());
        fill(store, "rsa");
        try (OutputStream out = new FileOutputStream(file)) {
            store.store(new BCFKSLoadStoreParameter.Builder(out, password).withStoreEncryptionAlgorithm(cipher)
                .withStorePBKDFConfig(kdf).build());
        }
    }

    static void keytool(String line) throws Exception {
        List<String> args = new ArrayList<>(List.of(line.split(" ")));
        String pass = new String(password);
        args.addAll(List.of("-storepass", pass, "-noprompt"));
        if (line.startsWith("-import")) {
            args.addAll(List.of("-srcstorepass", pass));
        }
        sun.security.tools.keytool.Main.main(args.toArray(new String[0]));
    }
}
