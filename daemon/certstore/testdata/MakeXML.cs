using System;
using System.IO;
using System.Security.Cryptography;

// Makes keys in XML with .NET's classes, in the current directory.
static class MakeXML {
    static void Main() {
        using (var rsa = new RSACryptoServiceProvider(2048)) {
            File.WriteAllText("rsa.xml", rsa.ToXmlString(true));
            File.WriteAllText("rsa-public.xml", rsa.ToXmlString(false));
        }
        using (var dsa = new DSACryptoServiceProvider(1024)) {
            File.WriteAllText("dsa.xml", dsa.ToXmlString(true));
        }
    }
}
