// Encrypts with Bouncy Castle's engines: each line of the input is an algorithm's SSH name, key, IV and text in
// hexadecimal, "-" for none, and each line of the output the ciphertext.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.engines.*;
import org.bouncycastle.crypto.modes.CBCBlockCipher;
import org.bouncycastle.crypto.modes.SICBlockCipher;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;
import org.bouncycastle.util.encoders.Hex;

class Modes {
    static BlockCipher engine(String name) {
        if (name.startsWith("twofish")) return new TwofishEngine();
        if (name.startsWith("blowfish")) return new BlowfishEngine();
        if (name.startsWith("cast128")) return new CAST5Engine();
        if (name.startsWith("3des")) return new DESedeEngine();
        return new AESEngine();
    }

    static byte[] stream(byte[] key, byte[] text, int discard) {
        RC4Engine rc4 = new RC4Engine();
        rc4.init(true, new KeyParameter(key));
        rc4.processBytes(new byte[discard], 0, discard, new byte[discard], 0);
        byte[] out = new byte[text.length];
        rc4.processBytes(text, 0, text.length, out, 0);
        return out;
    }

    static byte[] blocks(String name, byte[] key, byte[] iv, byte[] text) {
        BlockCipher mode = name.endsWith("-ctr") ? new SICBlockCipher(engine(name)) : new CBCBlockCipher(engine(name));
        mode.init(true, new ParametersWithIV(new KeyParameter(key), iv));
        byte[] out = new byte[text.length];
        for (int at = 0; at < text.length; at += mode.getBlockSize()) mode.processBlock(text, at, out, at);
        return out;
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] f = line.split(" ");
            byte[] key = Hex.decode(f[1]), text = Hex.decode(f[3]);
            byte[] out = f[0].startsWith("arcfour")
                    ? stream(key, text, f[0].equals("arcfour") ? 0 : 1536)
                    : blocks(f[0], key, Hex.decode(f[2]), text);
            System.out.println(Hex.toHexString(out));
        }
    }
}
